package messages

import (
	"go/ast"
	"go/token"
	"strings"
)

// form says where the text and the hint stand among the arguments of a call.
type form struct{ text, hint int }

// calls are the makers of errors for people, by name.
type calls map[string]form

var (
	ofAdmin  = calls{"problem": {2, 1}, "because": {3, 2}}
	ofDpki   = calls{"usage": {0, 1}, "problem": {2, 1}, "because": {3, 2}, "fault.New": {2, 1}, "fault.Because": {3, 2}, "New": {2, 1}, "Because": {3, 2}}
	ofDpkid  = calls{"usage": {1, 0}, "f.fail": {1, 0}, "f.note": {1, 0}}
	ofHelper = calls{"refused": {0, -1}, "errors.New": {0, -1}}
)

// fields are the composite literals that are such errors, by type: the keys of
// text and hint. Without keys the elements stand in the order of failure's fields.
var fields = map[string][2]string{
	"Problem": {"Text", "Hint"}, "admin.Problem": {"Text", "Hint"}, "failure": {"err", "hint"}, "Check": {"Text", "Hint"}, "admin.Check": {"Text", "Hint"},
}

// find collects the messages of the files in their order.
func (s *sources) find(makers calls) []Message {
	var found []Message
	add := func(text, hint string) {
		if strings.Trim(text, ". :;") != "" {
			found = append(found, Message{text, hint})
		}
	}
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if m, ok := makers[called(n)]; ok && m.text < len(n.Args) {
					hint := ""
					if m.hint >= 0 {
						hint = s.words(n.Args[m.hint])
					}
					add(s.words(n.Args[m.text]), hint)
				}
			case *ast.GenDecl:
				if n.Tok == token.CONST {
					s.declare(n)
				}
			case *ast.AssignStmt:
				if text, hint, ok := s.assigned(n); ok {
					add(text, hint)
				}
			case *ast.CompositeLit:
				if text, hint, ok := s.literal(n); ok {
					add(text, hint)
				}
				if text, hint, ok := s.known(n); ok {
					add(text, hint)
				}
			}
			return true
		})
	}
	return found
}

func (s *sources) literal(c *ast.CompositeLit) (text, hint string, ok bool) {
	keys, ok := fields[name(c.Type)]
	if !ok {
		return "", "", false
	}
	for i, e := range c.Elts {
		if kv, keyed := e.(*ast.KeyValueExpr); keyed && name(kv.Key) == "Standing" && name(kv.Value) == "Good" {
			return "", "", false // a finding that is none
		}
		kv, keyed := e.(*ast.KeyValueExpr)
		switch {
		case keyed && name(kv.Key) == keys[0]:
			text = s.words(kv.Value)
		case keyed && name(kv.Key) == keys[1]:
			hint = s.words(kv.Value)
		case !keyed && i == 1:
			text = s.words(e)
		case !keyed && i == 2:
			hint = s.words(e)
		}
	}
	return text, hint, text != ""
}

// assigned reads what a doctor makes of a finding that was good so far:
// c.Standing, c.Text, c.Hint = Bad, "...", "...".
func (s *sources) assigned(a *ast.AssignStmt) (text, hint string, ok bool) {
	if len(a.Lhs) != len(a.Rhs) {
		return "", "", false
	}
	for i, left := range a.Lhs {
		if e, is := left.(*ast.SelectorExpr); is && e.Sel.Name == "Text" && len(a.Lhs) > 1 {
			text, ok = s.words(a.Rhs[i]), true
		} else if is && e.Sel.Name == "Hint" {
			hint = s.words(a.Rhs[i])
		}
	}
	return text, hint, ok
}

func (s *sources) declare(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == 1 && len(v.Values) == 1 {
			s.constants[v.Names[0].Name] = s.words(v.Values[0])
		}
	}
}

// known reads a row {package.ErrX, status, "hint"}.
func (s *sources) known(c *ast.CompositeLit) (text, hint string, ok bool) {
	if c.Type != nil || len(c.Elts) != 3 {
		return "", "", false
	}
	text, ok = s.sentinels[name(c.Elts[0])]
	return text, s.words(c.Elts[2]), ok
}
