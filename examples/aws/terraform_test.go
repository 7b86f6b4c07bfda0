package aws

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// TestTerraformIsWhole parses main.tf. It proves the syntax, that what a reference
// names is there, and that docs/aws.md lists the same rights; it was never applied.
func TestTerraformIsWhole(t *testing.T) {
	src, err := os.ReadFile("main.tf")
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(src, "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body := file.Body.(*hclsyntax.Body)
	there := map[string]bool{}
	for _, b := range body.Blocks {
		switch b.Type {
		case "resource":
			there[strings.Join(b.Labels, ".")] = true
		case "variable":
			there["var."+b.Labels[0]] = true
		}
	}
	for _, want := range []string{
		"aws_sqs_queue.jobs", "aws_sqs_queue.dead", "aws_dynamodb_table.records", "aws_s3_bucket.results", "aws_iam_role.leat",
	} {
		if !there[want] {
			t.Errorf("no %s", want)
		}
	}
	hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok {
			if name := referred(e.Traversal); name != "" && !there[name] {
				t.Errorf("%v: nothing is called %s", e.SrcRange, name)
			}
		}
		return nil
	})
	if diff := cmp.Diff(rightsInDocs(t), rights(body)); diff != "" {
		t.Errorf("docs/aws.md lists other rights than the policy gives (-docs +policy):\n%s", diff)
	}
}

// referred is the resource or variable that a reference names.
func referred(tr hcl.Traversal) string {
	if len(tr) < 2 {
		return ""
	}
	attr, ok := tr[1].(hcl.TraverseAttr)
	if root := tr.RootName(); ok && (root == "var" || strings.HasPrefix(root, "aws_")) {
		return root + "." + attr.Name
	}
	return ""
}

// rights are the actions that the file allows.
func rights(body *hclsyntax.Body) []string {
	var all []string
	hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		if s, ok := n.(*hclsyntax.LiteralValueExpr); ok && s.Val.Type() == cty.String && isRight(s.Val.AsString()) {
			all = append(all, s.Val.AsString())
		}
		return nil
	})
	slices.Sort(all)
	return slices.Compact(all)
}

func isRight(s string) bool {
	service, action, ok := strings.Cut(s, ":")
	return ok && slices.Contains([]string{"sqs", "dynamodb", "s3", "sns"}, service) && action != "*" && !strings.ContainsAny(action, " :/")
}

// rightsInDocs are the words of that form in docs/aws.md.
func rightsInDocs(t *testing.T) []string {
	text, err := os.ReadFile("../../docs/aws.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for word := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return strings.ContainsRune(" `|,\n", r) }) {
		if isRight(word) {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
