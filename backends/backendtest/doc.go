// Package backendtest defines what a Backend is: a suite of cases, each named
// after the rule it guards, with a sentence saying what breaks if it fails. A
// new backend passes it in under 30 lines:
//
//	func TestConformance(t *testing.T) {
//		backendtest.Run(t, backendtest.Harness{
//			Open: func(t *testing.T) backends.Backend { return memory.New(memory.Options{}) },
//			Virtual: true,
//		})
//	}
//
// A feature that the Backend claims is proved; one that it doesn't claim must
// answer errors.ErrUnsupported. There is one file per verb. [Faulty] is a
// decorator that makes any Backend fail in chosen places.
package backendtest
