// Package rules holds the house to its plan: rooms_test.go says which way
// imports go, and a forbidden arrow fails the test.
package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const house = "github.com/leat-go/leat"

// pkg is what `go list -deps -json` says of a package.
type pkg struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
	Module     *module
}

type module struct{ Path string }

func TestImportsGoOneWay(t *testing.T) {
	if err := look("../.."); err != nil {
		t.Fatal(err)
	}
	pkgs, err := list()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(pkgs, func(p pkg) bool { return p.ImportPath == house+"/backends" }) {
		t.Fatalf("go list shows %d packages, but not ours", len(pkgs))
	}
	for _, v := range violations(pkgs) {
		t.Error(v)
	}
}

// look opens every folder, so that the go command, which sees only what the test
// itself opens, doesn't answer from its cache when a file has changed.
func look(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		return err
	})
}

// list asks the go command for every package of the workspace (of this module,
// where there is none), with all that they compile.
func list() ([]pkg, error) {
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports,Deps,Module", "work")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return pkgs, nil
		case err != nil:
			return nil, err
		}
		pkgs = append(pkgs, p)
	}
}

// violations names every arrow that the plan doesn't have.
func violations(pkgs []pkg) []string {
	byPath := map[string]pkg{}
	for _, p := range pkgs {
		byPath[p.ImportPath] = p
	}
	var bad []string
	for _, p := range pkgs {
		path, ours := inside(p.ImportPath)
		if !ours {
			continue
		}
		r, ok := roomOf(path)
		if !ok {
			bad = append(bad, fmt.Sprintf("%s: no room of the plan", path))
			continue
		}
		bad = append(bad, forbiddenImports(r, path, p.Imports)...)
		bad = append(bad, forbiddenModules(r, path, p, byPath)...)
	}
	return bad
}

// forbiddenImports looks at direct imports only: what those import is held to
// rows of its own.
func forbiddenImports(r room, path string, imports []string) []string {
	var bad []string
	for _, i := range imports {
		to, ours := inside(i)
		if !ours || within(r.path, to) || slices.ContainsFunc(r.imports, func(pattern string) bool { return within(pattern, to) }) {
			continue
		}
		bad = append(bad, fmt.Sprintf("%s imports %s", path, to))
	}
	return bad
}

// forbiddenModules looks at all that is compiled.
func forbiddenModules(r room, path string, p pkg, byPath map[string]pkg) []string {
	var bad []string
	for _, d := range p.Deps {
		m := byPath[d].Module
		if _, ours := inside(d); ours || m == nil {
			continue
		}
		var msg string
		switch {
		case m.Path == "gocloud.dev" && p.Module.Path == house && !slices.ContainsFunc(cloudRooms, func(c string) bool { return within(c, path) }):
			msg = fmt.Sprintf("%s compiles %s outside the rooms named for it", path, m.Path)
		case !slices.ContainsFunc(r.modules, func(pattern string) bool { return pattern == "..." || pattern == m.Path }):
			msg = fmt.Sprintf("%s compiles %s", path, m.Path)
		default:
			continue
		}
		if !slices.Contains(bad, msg) {
			bad = append(bad, msg)
		}
	}
	return bad
}

// roomOf returns the row with the longest match.
func roomOf(path string) (best room, found bool) {
	for _, r := range rooms {
		if within(r.path, path) && len(r.path) > len(best.path) {
			best, found = r, true
		}
	}
	return best, found
}

// within reports whether path matches a pattern: itself, or all below "x/...".
func within(pattern, path string) bool {
	if base, deep := strings.CutSuffix(pattern, "..."); deep {
		return strings.HasPrefix(path+"/", base)
	}
	return pattern == path
}

// inside cuts an import path to the path inside the repository.
func inside(importPath string) (path string, ours bool) {
	return strings.CutPrefix(importPath, house+"/")
}

func TestForbiddenArrowsAreSeen(t *testing.T) {
	outside := []pkg{
		{ImportPath: "context", Standard: true},
		{ImportPath: "github.com/google/uuid", Module: &module{"github.com/google/uuid"}},
		{ImportPath: "golang.org/x/sync/errgroup", Module: &module{"golang.org/x/sync"}},
		{ImportPath: "gocloud.dev/gcerrors", Module: &module{"gocloud.dev"}},
		{ImportPath: "modernc.org/sqlite", Module: &module{"modernc.org/sqlite"}},
	}
	// ours is a package of module mod that imports these, and compiles no more.
	ours := func(mod, path string, imports ...string) pkg {
		return pkg{ImportPath: house + "/" + path, Imports: imports, Deps: imports, Module: &module{mod}}
	}
	sqlite := house + "/backends/sqlite"
	for name, c := range map[string]struct {
		p    pkg
		want []string
	}{
		"the contract may use the standard library":      {ours(house, "backends", "context"), nil},
		"a store may use the contract":                   {ours(house, "backends/memory", "context", house+"/backends", "github.com/google/uuid"), nil},
		"a room may use itself":                          {ours(house, "backends/memory/heap", house+"/backends/memory"), nil},
		"a cloud room may use the cloud":                 {ours(house, "backends/broker/cdk", house+"/backends/broker", "gocloud.dev/gcerrors"), nil},
		"a nested store may have its driver":             {ours(sqlite, "backends/sqlite", house+"/backends", "modernc.org/sqlite"), nil},
		"a worker may use what is behind the rooms":      {ours(house, "worker", house+"/queue", house+"/internal/seam"), nil},
		"batch may use result":                           {ours(house, "queue/batch", house+"/queue", house+"/result"), nil},
		"the contract uses a module":                     {ours(house, "backends", "github.com/google/uuid"), []string{"backends compiles github.com/google/uuid"}},
		"the contract uses a room":                       {ours(house, "backends", house+"/queue"), []string{"backends imports queue"}},
		"memory uses x/sync":                             {ours(house, "backends/memory", "golang.org/x/sync/errgroup"), []string{"backends/memory compiles golang.org/x/sync"}},
		"a backend uses another":                         {ours(sqlite, "backends/sqlite", house+"/backends/memory"), []string{"backends/sqlite imports backends/memory"}},
		"a transport uses another":                       {ours(house, "backends/broker/sqs", house+"/backends/broker/cdk"), []string{"backends/broker/sqs imports backends/broker/cdk"}},
		"the broker uses a transport":                    {ours(house, "backends/broker", house+"/backends/broker/sqs"), []string{"backends/broker imports backends/broker/sqs"}},
		"queue uses worker":                              {ours(house, "queue", house+"/worker"), []string{"queue imports worker"}},
		"queue uses one of its own rooms":                {ours(house, "queue", house+"/queue/batch"), []string{"queue imports queue/batch"}},
		"schedule uses result":                           {ours(house, "queue/schedule", house+"/result"), []string{"queue/schedule imports result"}},
		"worker uses a store":                            {ours(house, "worker", house+"/backends/memory"), []string{"worker imports backends/memory"}},
		"worker uses broker":                             {ours(house, "worker", house+"/backends/broker"), []string{"worker imports backends/broker"}},
		"result uses worker":                             {ours(house, "result", house+"/worker"), []string{"result imports worker"}},
		"internal uses queue":                            {ours(house, "internal/seam", house+"/queue"), []string{"internal/seam imports queue"}},
		"queue compiles the cloud":                       {ours(house, "queue", "gocloud.dev/gcerrors"), []string{"queue compiles gocloud.dev outside the rooms named for it"}},
		"schedule compiles the cloud, though any module": {ours(house, "queue/schedule", "gocloud.dev/gcerrors"), []string{"queue/schedule compiles gocloud.dev outside the rooms named for it"}},
		"a package without a row":                        {ours(house, "util", "context"), []string{"util: no room of the plan"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, violations(append(outside, c.p))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
