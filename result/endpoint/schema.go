package endpoint

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"
)

// schemas makes JSON Schemas of Go types, as encoding/json reads or writes them. What it
// doesn't know may be anything (true): a schema that says too little is no lie.
type schemas struct {
	closed  bool // members that a struct doesn't have are refused
	written bool // all members are there, but for those that may be left out

	inside []reflect.Type // structs around, which end a recursion
}

var (
	marshals     = reflect.TypeFor[json.Marshaler]()
	marshalsText = reflect.TypeFor[encoding.TextMarshaler]()
)

func (s schemas) of(t reflect.Type) any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case implements(t, marshals):
		return true
	case implements(t, marshalsText):
		return typed("string")
	}
	switch t.Kind() {
	case reflect.Bool:
		return typed("boolean")
	case reflect.String:
		return typed("string")
	case reflect.Float32, reflect.Float64:
		return typed("number")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return typed("integer")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Pointer:
		return orNull(s.of(t.Elem()))
	case reflect.Map:
		return orNull(map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())})
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return orNull(map[string]any{"type": "string", "contentEncoding": "base64"})
		}
		return orNull(map[string]any{"type": "array", "items": s.of(t.Elem())})
	case reflect.Array:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Struct:
		return s.object(t)
	}
	return true
}

func implements(t, what reflect.Type) bool {
	return t.Implements(what) || reflect.PointerTo(t).Implements(what)
}

func typed(name string) map[string]any { return map[string]any{"type": name} }

// orNull is what a nil of Go looks like, too.
func orNull(schema any) any {
	if schema == true {
		return true
	}
	return map[string]any{"anyOf": []any{schema, typed("null")}}
}

func (s schemas) object(t reflect.Type) any {
	if slices.Contains(s.inside, t) {
		return true
	}
	s.inside = append(slices.Clone(s.inside), t)
	members, required := map[string]any{}, []string{}
	if !s.members(t, members, &required) {
		return true
	}
	o := map[string]any{"type": "object", "properties": members}
	if s.closed {
		o["additionalProperties"] = false
	}
	if s.written && len(required) > 0 {
		slices.Sort(required)
		o["required"] = slices.Compact(required)
	}
	return o
}

// members adds the fields of a struct. It reports false of what is too odd for it: two
// fields of one name, embedded ones that may be nil.
func (s schemas) members(t reflect.Type, to map[string]any, required *[]string) bool {
	for f := range t.Fields() {
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Tag.Get("json") == "-":
		case f.Anonymous && name == "":
			if f.Type.Kind() != reflect.Struct || !s.members(f.Type, to, required) {
				return false
			}
		case f.IsExported():
			if name == "" {
				name = f.Name
			}
			if _, twice := to[name]; twice {
				return false
			}
			to[name] = s.of(f.Type)
			has := strings.Split(opts, ",")
			if slices.Contains(has, "string") {
				to[name] = true
			}
			if !slices.Contains(has, "omitempty") && !slices.Contains(has, "omitzero") {
				*required = append(*required, name)
			}
		}
	}
	return true
}
