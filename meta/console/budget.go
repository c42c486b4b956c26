package console

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm/runtime"
)

// budget bounds what one evaluation takes. The library bounds the lists that an
// expression writes out, and neither its time nor what its functions make: so
// each predicate is made to report each of its turns, and each function and
// plus what came of it.
type budget struct {
	until    time.Time
	done     <-chan struct{}
	turns    int
	elements int
	bytes    int
}

var (
	errTurns   = fmt.Errorf("it takes more than %d turns: ask of fewer", maxTurns)
	errTime    = fmt.Errorf("it takes longer than %v: ask of fewer", maxTime)
	errGone    = errors.New("whoever asked has gone")
	errSize    = fmt.Errorf("it makes more than %d elements, or %d bytes of text: ask of fewer", maxElements, maxBytes)
	errPattern = fmt.Errorf("want a regular expression that is written out, of at most %d bytes", maxPattern)
)

// Names of functions; those with a # no expression can contain.
const (
	ageName   = "age"
	turnName  = "turn#"
	plusName  = "plus#"
	weighName = "weigh#"
)

func (b *budget) options(env map[string]any, p *patcher) []expr.Option {
	options := []expr.Option{
		expr.Env(env), expr.AllowUndefinedVariables(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Patch(p),
		expr.Function(turnName, b.turn), expr.Function(plusName, b.plus), expr.Function(weighName, b.weigh), expr.Function(ageName, age),
	}
	for _, name := range Functions() {
		options = append(options, expr.EnableBuiltin(name))
	}
	return options
}

// turn is called at the end of each turn of a predicate, with what came of it.
func (b *budget) turn(args ...any) (any, error) {
	b.turns++
	if b.turns > maxTurns {
		return nil, errTurns
	}
	if b.turns%64 != 0 {
		return args[0], nil
	}
	select {
	case <-b.done:
		return nil, errGone
	default:
	}
	if time.Now().After(b.until) {
		return nil, errTime
	}
	return args[0], nil
}

// plus adds as the language does.
func (b *budget) plus(args ...any) (any, error) {
	left, okLeft := args[0].(string)
	right, okRight := args[1].(string)
	if okLeft && okRight && len(left)+len(right) > maxBytes-b.bytes {
		return nil, errSize
	}
	return b.weigh(runtime.Add(args[0], args[1]))
}

// weigh is called with what a function has made.
func (b *budget) weigh(args ...any) (any, error) {
	switch v := reflect.ValueOf(args[0]); v.Kind() {
	case reflect.String:
		b.bytes += v.Len()
	case reflect.Slice, reflect.Array, reflect.Map:
		b.elements += v.Len()
	}
	if b.elements > maxElements || b.bytes > maxBytes {
		return nil, errSize
	}
	return args[0], nil
}

// age is how many seconds ago a moment was, as pages give moments.
func age(args ...any) (any, error) {
	if len(args) != 1 {
		return nil, errors.New("age wants one moment, as in age(.since)")
	}
	s, ok := args[0].(string)
	if !ok {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return nil, fmt.Errorf("age of %q: want a moment such as 2006-01-02T15:04:05Z", clip(s))
	}
	return time.Since(at).Seconds(), nil
}

// patcher puts the budget into an expression, and finds what it cannot bound.
type patcher struct {
	err error
}

// Visit is called for each node, once those below it have been visited.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.PredicateNode:
		n.Node = call(turnName, n.Node)
	case *ast.BuiltinNode:
		if !slices.Contains(Functions(), n.Name) { // those with predicates cannot be disabled
			p.err = fmt.Errorf("there is no function %s: want one of %s", n.Name, strings.Join(Functions(), ", "))
		}
		ast.Patch(node, call(weighName, n))
	case *ast.BinaryNode:
		switch n.Operator {
		case "+":
			ast.Patch(node, call(plusName, n.Left, n.Right))
		case "matches":
			if s, ok := n.Right.(*ast.StringNode); !ok || len(s.Value) > maxPattern {
				p.err = errPattern
			}
		}
	}
}

func call(name string, args ...ast.Node) ast.Node {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: name}, Arguments: args}
}
