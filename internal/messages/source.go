package messages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Message is what a program says and what to do about it.
type Message struct{ Text, Hint string }

// sources are the Go files of some folders, parsed, tests left out.
type sources struct {
	files     []*ast.File
	constants map[string]string // of one name the one declared last, in the order of reading
	sentinels map[string]string // "pkg.ErrName" -> its text
}

func parse(root string, folders ...string) (*sources, error) {
	s := &sources{constants: map[string]string{}, sentinels: map[string]string{}}
	set := token.NewFileSet()
	for _, dir := range folders {
		paths, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return nil, err
			}
			s.files = append(s.files, f)
		}
	}
	return s, s.findSentinels(root)
}

// findSentinels collects every `ErrX = errors.New("...")` of the repository.
func (s *sources) findSentinels(root string) error {
	set := token.NewFileSet()
	return filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && slices.Contains([]string{".git", "build", "node_modules", "testdata"}, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || len(v.Values) != 1 {
				return true
			}
			if c, ok := v.Values[0].(*ast.CallExpr); ok && called(c) == "errors.New" && len(c.Args) == 1 {
				s.sentinels[f.Name.Name+"."+v.Names[0].Name] = s.words(c.Args[0])
			}
			return true
		})
		return nil
	})
}

// called is the name of what is called: f, or pkg.F, or x.method.
func called(c *ast.CallExpr) string { return name(c.Fun) }

func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return name(e.X) + "." + e.Sel.Name
	}
	return ""
}

// verb is a directive of package fmt.
var verb = regexp.MustCompile(`%[-+# 0]*[0-9]*(\.[0-9]+)?[a-zA-Z]`)

// words is the text of an expression as far as it stands in the source.
func (s *sources) words(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			const tokens = "%u %t %k" // sshd's, and no directives
			before, after, ok := strings.Cut(text, tokens)
			text = verb.ReplaceAllString(before, "...")
			if ok {
				text += tokens + verb.ReplaceAllString(after, "...")
			}
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return s.words(e.X) + s.words(e.Y)
		}
	case *ast.ParenExpr:
		return s.words(e.X)
	case *ast.CallExpr:
		if f := called(e); (f == "fmt.Sprintf" || f == "fmt.Errorf" || f == "errors.New") && len(e.Args) > 0 {
			return s.words(e.Args[0])
		}
	case *ast.Ident:
		if e.Name == "nil" {
			return ""
		}
		if text, ok := s.constants[e.Name]; ok {
			return text
		}
	}
	return "..."
}
