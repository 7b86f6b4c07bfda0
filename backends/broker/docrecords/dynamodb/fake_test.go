package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// fake is as much of DynamoDB as records ask for, in the process: what dynalite
// answers too, so that the tests need no server.
type fake struct {
	mu     sync.Mutex
	exists bool
	key    string
	items  map[string]item
}

type item = map[string]map[string]any

func newFake(key string) *fake { return &fake{exists: key != "", key: key, items: map[string]item{}} }

// request is any of those that are understood.
type request struct {
	Item                      item
	ConditionExpression       string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues item
	RequestItems              map[string]struct {
		Keys           []item
		ConsistentRead bool
	}
	KeySchema []struct{ AttributeName string }
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	r.Body.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	switch op := operation(r); {
	case op == "CreateTable":
		f.exists, f.key = true, in.KeySchema[0].AttributeName
		return answer(200, f.table()), nil
	case !f.exists:
		return refusal("ResourceNotFoundException"), nil
	case op == "DescribeTable":
		return answer(200, f.table()), nil
	case op == "DeleteTable":
		f.exists = false
		return answer(200, f.table()), nil
	case op == "UpdateTimeToLive":
		return answer(200, map[string]any{}), nil
	case op == "PutItem":
		return f.put(&in), nil
	case op == "BatchGetItem":
		return f.get(&in), nil
	}
	return refusal("UnknownOperationException"), nil
}

func (f *fake) put(in *request) *http.Response {
	key := in.Item[f.key]["S"].(string)
	old, there := f.items[key]
	name := in.ExpressionAttributeNames["#0"]
	ok := !there
	switch {
	case strings.HasPrefix(in.ConditionExpression, "attribute_not_exists"):
	case in.ConditionExpression == "#0 = :0":
		ok = there && old[name]["S"] == in.ExpressionAttributeValues[":0"]["S"]
	default:
		return refusal("ValidationException")
	}
	if !ok {
		return refusal("ConditionalCheckFailedException")
	}
	f.items[key] = in.Item
	return answer(200, map[string]any{})
}

func (f *fake) get(in *request) *http.Response {
	found := map[string][]item{}
	for table, of := range in.RequestItems {
		for _, k := range of.Keys {
			if it, ok := f.items[k[f.key]["S"].(string)]; ok && of.ConsistentRead {
				found[table] = append(found[table], it)
			}
		}
	}
	return answer(200, map[string]any{"Responses": found})
}

func (f *fake) table() any { return table("ACTIVE", f.key, "S") }

// table is a description, of pairs of a key and its type.
func table(status string, keys ...string) any {
	var schema, kinds []map[string]string
	for i := 0; i < len(keys); i += 2 {
		schema = append(schema, map[string]string{"AttributeName": keys[i], "KeyType": []string{"HASH", "RANGE"}[i/2]})
		kinds = append(kinds, map[string]string{"AttributeName": keys[i], "AttributeType": keys[i+1]})
	}
	d := map[string]any{"TableStatus": status, "KeySchema": schema, "AttributeDefinitions": kinds}
	return map[string]any{"Table": d, "TableDescription": d}
}

// operation is what a request asks for: "PutItem".
func operation(r *http.Request) string {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	return op
}

func answer(status int, body any) *http.Response {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &http.Response{
		StatusCode: status, Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)),
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.0"},
			"X-Amz-Crc32":  {strconv.FormatUint(uint64(crc32.ChecksumIEEE(b)), 10)},
		},
	}
}

func refusal(code string) *http.Response {
	return answer(400, map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": fmt.Sprintf("the service says %s", code)})
}
