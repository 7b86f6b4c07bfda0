package docrecords

import (
	"reflect"

	"gocloud.dev/docstore"
)

// readsStale reports whether a collection is one of DynamoDB, whose reads are
// eventually consistent unless it was opened otherwise, which can't be seen from
// outside. To ask by Collection.As, its SDK would have to be compiled; so this
// reads the name of the driver's package. A test notices if docstore moves it.
func readsStale(coll *docstore.Collection) bool {
	driver := reflect.ValueOf(coll).Elem().FieldByName("driver")
	if !driver.IsValid() || driver.Kind() != reflect.Interface || driver.IsNil() {
		return false
	}
	t := driver.Elem().Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "gocloud.dev/docstore/awsdynamodb/v2"
}
