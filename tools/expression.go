package tools

import (
	"errors"
	"fmt"
	"go/token"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxExpression = 1000 // characters
	maxDepth      = 64   // of nested brackets, signs and powers
)

// evaluate computes an expression as people write it in chat. Go's own parser would
// read ^ as exclusive or and bind it like +, so the grammar is its own:
//
//	sum     = product { ("+" | "-") product }
//	product = sign { ("*" | "/" | "//" | "%" | "mod" | "div" | "of") sign }
//	sign    = { "+" | "-" } power
//	power   = postfix [ ("^" | "**") sign ]
//	postfix = primary { "!" | "%" | "²" | "³" }
//	primary = NUMBER | NAME | NAME "(" sum { "," sum } ")" | "(" sum ")" | "√" postfix
//
// Errors are for the model.
func evaluate(text string) (number, error) {
	if n := utf8.RuneCountInString(text); n > maxExpression {
		return number{}, fmt.Errorf("the expression has %d characters, the limit is %d; compute it in parts", n, maxExpression)
	}
	if !utf8.ValidString(text) {
		return number{}, errors.New("the expression is not valid UTF-8")
	}
	p := &expression{rest: strings.TrimRight(tidy.Replace(text), "= \t\n?")}
	if p.peek() == "" {
		return number{}, errors.New("the expression is empty")
	}
	n, err := p.sum()
	if err != nil {
		return number{}, err
	}
	if left := p.peek(); left != "" {
		return number{}, p.unexpected(left)
	}
	return n, nil
}

// tidy turns what keyboards and models write into what the grammar knows.
var tidy = strings.NewReplacer(
	"×", "*", "·", "*", "⋅", "*", "∙", "*", "÷", "/", "∕", "/", "⁄", "/", "−", "-", "–", "-", "**", "^",
	"[", "(", "]", ")", "{", "(", "}", ")", "’", "'",
)

// expression is what is left to read, and how deep the reader is nested.
type expression struct {
	rest  string
	depth int
	args  bool // within the arguments of a function, where a comma separates
}

// peek returns the next token without taking it; empty at the end.
func (p *expression) peek() string {
	p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace)
	if p.rest == "" {
		return ""
	}
	r, size := utf8.DecodeRuneInString(p.rest)
	switch {
	case strings.HasPrefix(p.rest, "//"):
		return "//"
	case digit(p.rest[0]) || r == '.':
		return p.rest[:numberLen(p.rest, !p.args)]
	case unicode.IsLetter(r):
		end := strings.IndexFunc(p.rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
		if end < 0 {
			end = len(p.rest)
		}
		return p.rest[:end]
	}
	return p.rest[:size]
}

func (p *expression) take(t string) { p.rest = p.rest[len(t):] }

func (p *expression) accept(t string) bool {
	if p.peek() != t {
		return false
	}
	p.take(t)
	return true
}

// enter counts a level of nesting; the caller counts it back.
func (p *expression) enter() error {
	if p.depth++; p.depth > maxDepth {
		return errors.New("the expression is nested too deeply; compute it in parts")
	}
	return nil
}

func (p *expression) unexpected(t string) error {
	r, _ := utf8.DecodeRuneInString(t)
	switch {
	case t == "":
		return errors.New("the expression ends too early")
	case t == ",":
		return errors.New(`unexpected ",": use a point for decimals, and a comma only between groups of three digits and between the arguments of a function`)
	case t == ")":
		return errors.New(`there is a ")" too many`)
	case digit(t[0]), r == '.', t == "(", unicode.IsLetter(r):
		return fmt.Errorf("an operator is missing before %q; write multiplication as *", t)
	}
	return fmt.Errorf("unexpected %q; the operators are + - * / ^ %% ! and brackets", t)
}

func (p *expression) sum() (number, error) {
	left, err := p.product()
	for err == nil {
		t := p.peek()
		op, ok := map[string]token.Token{"+": token.ADD, "-": token.SUB}[t]
		if !ok {
			return left, nil
		}
		p.take(t)
		var right number
		if right, err = p.product(); err != nil {
			break
		}
		if right.percent && !left.percent { // 200 + 10%: of what stands before it
			if right, err = arith(left, token.MUL, right); err != nil {
				break
			}
		}
		left, err = arith(left, op, right)
	}
	return number{}, err
}

func (p *expression) product() (number, error) {
	left, err := p.sign()
	for err == nil {
		op := p.peek()
		switch strings.ToLower(op) {
		case "*", "/", "//", "%", "mod", "div", "of", "x":
		default:
			return left, nil
		}
		p.take(op)
		var right number
		if right, err = p.sign(); err != nil {
			break
		}
		switch strings.ToLower(op) {
		case "*", "x", "of":
			left, err = arith(left, token.MUL, right)
		case "/":
			left, err = arith(left, token.QUO, right)
		case "//", "div":
			left, err = floorDiv(left, right)
		default:
			left, err = modulo(left, right)
		}
	}
	return number{}, err
}

func (p *expression) sign() (number, error) {
	if err := p.enter(); err != nil {
		return number{}, err
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("+"):
		return p.sign()
	case p.accept("-"):
		n, err := p.sign()
		if err != nil {
			return number{}, err
		}
		return n.neg(), nil
	}
	return p.power()
}

func (p *expression) power() (number, error) {
	base, err := p.postfix()
	if err != nil || !p.accept("^") {
		return base, err
	}
	exp, err := p.sign()
	if err != nil {
		return number{}, err
	}
	return power(base, exp)
}

func (p *expression) postfix() (number, error) {
	n, err := p.primary()
	for err == nil {
		switch {
		case p.accept("!"):
			n, err = factorial(n)
		case p.accept("²"):
			n, err = power(n, whole(2))
		case p.accept("³"):
			n, err = power(n, whole(3))
		case p.percentHere():
			p.take("%")
			n, err = arith(n, token.QUO, whole(100))
			n.percent = true
		default:
			return n, nil
		}
	}
	return number{}, err
}

// percentHere tells a percent sign from the operator for remainders, which has an
// operand behind it. Before a sign it is a percent sign: 5% - 3.
func (p *expression) percentHere() bool {
	if p.peek() != "%" {
		return false
	}
	after := expression{rest: p.rest[1:], args: p.args}
	next := after.peek()
	r, _ := utf8.DecodeRuneInString(next)
	switch strings.ToLower(next) {
	case "of", "x", "mod", "div":
		return true
	case "":
		return true
	}
	return !(digit(next[0]) || r == '.' || r == '(' || r == '√' || unicode.IsLetter(r))
}
