package main

// The README's quick start is this program, word for word.
func Example() {
	main()
	// Output:
	// {ReorderPoint:12 OrderQuantity:40} <nil>
	// <nil> <nil>
}
