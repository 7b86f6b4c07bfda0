package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"
)

// Both templates give the function the same rights, and say that failures are
// reported, as main.go does. They are parsed here, and were never applied.
func TestTemplatesAgree(t *testing.T) {
	tf, sam := terraform(t), sam(t)
	if diff := cmp.Diff(rights(tf), rights(sam)); diff != "" {
		t.Errorf("other rights (-main.tf +template.yaml):\n%s", diff)
	}
	for name, words := range map[string][]string{"main.tf": tf, "template.yaml": sam} {
		if !slices.Contains(words, "ReportBatchItemFailures") {
			t.Errorf("%s: the mapping doesn't report", name)
		}
		if !slices.Contains(words, "sqs:ChangeMessageVisibility") {
			t.Errorf("%s: delays can't be set", name)
		}
	}
}

// terraform is the strings of main.tf, after a look whether what is named is there.
func terraform(t *testing.T) (words []string) {
	t.Helper()
	src, err := os.ReadFile("main.tf")
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(src, "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	there := map[string]bool{}
	body := file.Body.(*hclsyntax.Body)
	for _, b := range body.Blocks {
		switch b.Type {
		case "resource":
			there[strings.Join(b.Labels, ".")] = true
		case "data":
			there["data."+strings.Join(b.Labels, ".")] = true
		case "variable":
			there["var."+b.Labels[0]] = true
		}
	}
	hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			if name := referred(n.Traversal); !there[name] && strings.Contains(name, ".") { // a type has no dot
				t.Errorf("%v: nothing is called %s", n.SrcRange, name)
			}
		case *hclsyntax.LiteralValueExpr:
			if n.Val.Type() == cty.String {
				words = append(words, n.Val.AsString())
			}
		}
		return nil
	})
	return words
}

func referred(tr hcl.Traversal) string {
	names := []string{tr.RootName()}
	for _, step := range tr[1:] {
		if a, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, a.Name)
		}
	}
	n := 2
	if names[0] == "data" {
		n = 3
	}
	return strings.Join(names[:min(n, len(names))], ".")
}

// sam is the same of template.yaml, whose !Ref and !GetAtt name resources and
// parameters.
func sam(t *testing.T) (words []string) {
	t.Helper()
	src, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	root := doc.Content[0]
	for _, part := range []string{"Parameters", "Resources"} {
		section := child(root, part)
		for i := 0; section != nil && i < len(section.Content); i += 2 {
			there[section.Content[i].Value] = true
		}
	}
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		name := ""
		switch n.Tag {
		case "!Ref":
			name = n.Value
		case "!GetAtt":
			name, _, _ = strings.Cut(n.Value, ".")
		case "!!str":
			words = append(words, n.Value)
		}
		if name != "" && !there[name] {
			t.Errorf("line %d: nothing is called %s", n.Line, name)
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	visit(root)
	return words
}

func child(n *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// rights are the actions among words, those of the log aside: SAM adds them.
func rights(words []string) (all []string) {
	for _, w := range words {
		if service, _, ok := strings.Cut(w, ":"); ok && slices.Contains([]string{"sqs", "dynamodb"}, service) {
			if !strings.Contains(w, "/") {
				all = append(all, w)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
