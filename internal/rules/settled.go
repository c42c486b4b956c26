package rules

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// settled says whether a variable with these initial values is as good as a
// constant, as long as nobody assigns to it: literals and what is made of
// them, functions, other names, conversions, tables computed by a function of
// the same package, and the calls in settledCalls. A variable without a value
// exists only to be changed.
func settled(info *types.Info, values []ast.Expr) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(e ast.Expr) bool { return !settledValue(info, e) })
}

func settledValue(info *types.Info, expr ast.Expr) bool {
	both := func(a, b ast.Expr) bool { return settledValue(info, a) && settledValue(info, b) }
	switch e := expr.(type) {
	case *ast.BasicLit, *ast.FuncLit, *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr:
		return true
	case *ast.ParenExpr:
		return settledValue(info, e.X)
	case *ast.UnaryExpr:
		return e.Op != token.AND && e.Op != token.ARROW && settledValue(info, e.X)
	case *ast.BinaryExpr:
		return both(e.X, e.Y)
	case *ast.KeyValueExpr:
		return both(e.Key, e.Value)
	case *ast.CompositeLit:
		return !slices.ContainsFunc(e.Elts, func(elt ast.Expr) bool { return !settledValue(info, elt) })
	case *ast.CallExpr:
		return settledCall(info, e)
	}
	return false
}

// settledCalls are functions of other packages whose result nobody can change
// (or not so that anybody could tell: sync.OnceValue).
const settledCalls = " errors.New fmt.Errorf regexp.MustCompile template.Must crc32.MakeTable strings.NewReplacer" +
	" netip.MustParseAddr netip.MustParsePrefix netip.MustParseAddrPort reflect.TypeFor sync.OnceValue sync.OnceValues" +
	" time.Date time.Unix math.Log math.Log2 math.Exp math.Exp2 math.Pow math.Sqrt math.Inf math.NaN "

func settledCall(info *types.Info, call *ast.CallExpr) bool {
	if info.Types[call.Fun].IsType() {
		return !slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return !settledValue(info, arg) })
	}
	fun := call.Fun
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	switch f := fun.(type) {
	case *ast.Ident:
		return plain(info.TypeOf(call), 8)
	case *ast.SelectorExpr:
		pkg, ok := f.X.(*ast.Ident)
		return ok && strings.Contains(settledCalls, " "+pkg.Name+"."+f.Sel.Name+" ")
	}
	return false
}

// plain says whether a type is plain data, such as a function computes once
// to look things up in. Depth ends types that contain themselves.
func plain(typ types.Type, depth int) bool {
	if typ == nil || depth == 0 {
		return false
	}
	switch u := typ.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.Invalid && u.Kind() != types.UnsafePointer
	case *types.Array:
		return plain(u.Elem(), depth-1)
	case *types.Slice:
		return plain(u.Elem(), depth-1)
	case *types.Map:
		return plain(u.Elem(), depth-1)
	case *types.Struct:
		for field := range u.Fields() {
			if !plain(field.Type(), depth-1) {
				return false
			}
		}
		return true
	}
	return false
}
