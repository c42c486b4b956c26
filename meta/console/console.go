// Package console finds the values of expressions over what pages show:
//
//	group.Console(console.Evaluate)
//
//	filter(requests.routes, .p99 > 0.1)
//	count(stats.instruments, .kind == "counter")
//	objects.config.Listen
//
// The language is that of github.com/expr-lang/expr, without what could take
// long, grow, or reach anything but plain values: see the list of functions.
// It is a package of its own for the size that it adds to a program.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"github.com/support-go/support/meta"
)

// Bounds of one expression.
const (
	maxExpression = 2000            // bytes
	maxNodes      = 300             // parts of it
	maxTime       = 2 * time.Second // of its evaluation, the roots not included
	maxTurns      = 1_000_000       // through the predicates of filter, map and the like
	maxElements   = 200_000         // of all lists and maps that it makes
	maxBytes      = 8 << 20         // of all text that it makes
	maxPattern    = 200             // bytes of a regular expression
)

// Functions are those that an expression may call, besides age.
func Functions() []string {
	return []string{
		"all", "any", "none", "one", "filter", "map", "count", "find", "findIndex", "findLast", "findLastIndex",
		"sum", "mean", "median", "min", "max", "len", "sort", "sortBy", "groupBy", "countBy", "take", "first", "last", "reverse",
		"keys", "values", "toPairs", "abs", "ceil", "floor", "round", "int", "float", "string",
		"lower", "upper", "trim", "trimPrefix", "trimSuffix", "hasPrefix", "hasSuffix", "indexOf", "lastIndexOf", "get",
	}
}

// Evaluate is a meta.Evaluate. Errors say where in the expression they are.
func Evaluate(ctx context.Context, expression string, roots []meta.Root) (any, error) {
	if len(expression) > maxExpression {
		return nil, fmt.Errorf("the expression has %d bytes: want at most %d", len(expression), maxExpression)
	}
	names, err := asked(expression, roots)
	if err != nil {
		return nil, err
	}
	env := make(map[string]any)
	for _, r := range roots {
		if !slices.Contains(names, r.Name) {
			continue
		}
		v, err := r.Get(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		env[r.Name] = v
	}
	b := &budget{until: time.Now().Add(maxTime), done: ctx.Done()}
	p := &patcher{}
	program, err := expr.Compile(expression, b.options(env, p)...)
	if err = cmp.Or(p.err, err); err != nil {
		return nil, explain(err)
	}
	machine := vm.VM{MemoryBudget: maxElements}
	v, err := machine.Run(program, env)
	if err != nil {
		return nil, explain(err)
	}
	return v, nil
}

// asked are the roots that an expression names, and none that there is not.
func asked(expression string, roots []meta.Root) ([]string, error) {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	c.Strict = false
	tree, err := parser.ParseWithConfig(expression, c)
	if err != nil {
		return nil, explain(err)
	}
	n := &named{own: make(map[string]bool)}
	ast.Walk(&tree.Node, n)
	for _, name := range n.names {
		if !n.own[name] && name != ageName && !slices.ContainsFunc(roots, func(r meta.Root) bool { return r.Name == name }) {
			return nil, fmt.Errorf("there is no root %q: want one of %s", clip(name), rootNames(roots))
		}
	}
	return n.names, nil
}

// named collects the names in an expression, and those that it declares itself.
type named struct {
	names []string
	own   map[string]bool
}

// Visit is called for each node.
func (n *named) Visit(node *ast.Node) {
	switch node := (*node).(type) {
	case *ast.IdentifierNode:
		n.names = append(n.names, node.Value)
	case *ast.VariableDeclaratorNode:
		n.own[node.Name] = true
	}
}

func rootNames(roots []meta.Root) string {
	var all []string
	for _, r := range roots {
		all = append(all, r.Name)
	}
	return strings.Join(all, ", ")
}

// explain makes one line of an error, of which the place is kept.
func explain(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(clip(text))
}

func clip(s string) string {
	const enough = 300
	if len(s) <= enough {
		return s
	}
	return strings.ToValidUTF8(s[:enough], "") + "…"
}
