package tools

import (
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

func (p *expression) primary() (number, error) {
	t := p.peek()
	r, _ := utf8.DecodeRuneInString(t)
	switch {
	case t == "":
		return number{}, p.unexpected("")
	case digit(t[0]), r == '.':
		p.take(t)
		return readNumber(t)
	case t == "(":
		args := p.args
		p.args = false
		n, err := p.bracket()
		p.args = args
		n.percent = false
		return n, err
	case t == "√":
		p.take(t)
		if err := p.enter(); err != nil {
			return number{}, err
		}
		defer func() { p.depth-- }()
		n, err := p.postfix()
		if err != nil {
			return number{}, err
		}
		return squareRoot(n)
	case unicode.IsLetter(r):
		p.take(t)
		return p.name(t)
	}
	return number{}, fmt.Errorf("expected a number before %q", t)
}

func (p *expression) bracket() (number, error) {
	p.take("(")
	if err := p.enter(); err != nil {
		return number{}, err
	}
	defer func() { p.depth-- }()
	n, err := p.sum()
	if err != nil {
		return number{}, err
	}
	return n, p.closing()
}

func (p *expression) closing() error {
	switch t := p.peek(); t {
	case ")":
		p.take(t)
		return nil
	case "":
		return errors.New(`a ")" is missing at the end`)
	default:
		return p.unexpected(t)
	}
}

func (p *expression) name(word string) (number, error) {
	key := lookUp(word)
	if c, ok := constants[key]; ok {
		return c, nil
	}
	f, ok := functions[key]
	if !ok {
		return number{}, fmt.Errorf("%q is unknown; the functions are %s, and the constants are pi and e", word, functionNames())
	}
	if p.peek() != "(" {
		return number{}, fmt.Errorf("the function %s needs its arguments in brackets: %s(…)", word, word)
	}
	args, err := p.arguments()
	if err != nil {
		return number{}, err
	}
	if len(args) < f.min || f.max > 0 && len(args) > f.max {
		return number{}, fmt.Errorf("the function %s takes %s, got %d", word, f.arity(), len(args))
	}
	return f.eval(args)
}

func (p *expression) arguments() ([]number, error) {
	p.take("(")
	if err := p.enter(); err != nil {
		return nil, err
	}
	outer := p.args
	p.args = true
	defer func() { p.depth--; p.args = outer }()
	if p.accept(")") {
		return nil, nil
	}
	var args []number
	for {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		n.percent = false
		args = append(args, n)
		if !p.accept(",") && !p.accept(";") {
			return args, p.closing()
		}
	}
}

// arity says how many arguments f takes.
func (f function) arity() string {
	switch {
	case f.max == 0:
		return fmt.Sprintf("%d or more arguments", f.min)
	case f.min != f.max:
		return fmt.Sprintf("%d or %d arguments", f.min, f.max)
	case f.min == 1:
		return "1 argument"
	}
	return strconv.Itoa(f.min) + " arguments"
}

// readNumber reads what numberLen found.
func readNumber(t string) (number, error) {
	t = strings.Map(func(r rune) rune {
		if separator(r) || r == ',' {
			return -1
		}
		return r
	}, t)
	if len(t) > 2 && t[0] == '0' && strings.ContainsRune("xXbBoO", rune(t[1])) {
		v := constant.MakeFromLiteral(t, token.INT, 0)
		if v.Kind() != constant.Int {
			return number{}, fmt.Errorf("%q is not a number", t)
		}
		return made(v, 0)
	}
	mantissa, exp, _ := strings.Cut(strings.ToLower(t), "e")
	if e, err := strconv.Atoi(exp); exp != "" && (err != nil || e < -4900 || e > 4900) {
		return number{}, errTooLarge
	}
	if strings.Count(mantissa, ".") > 1 || strings.Trim(mantissa, ".") == "" {
		return number{}, fmt.Errorf("%q is not a number", t)
	}
	// A leading zero would make it octal in Go.
	t = strings.TrimLeft(t, "0")
	if t == "" || t[0] == '.' || t[0] == 'e' || t[0] == 'E' {
		t = "0" + t
	}
	kind := token.INT
	if strings.ContainsAny(t, ".eE") {
		kind = token.FLOAT
	}
	v := constant.MakeFromLiteral(t, kind, 0)
	if v.Kind() == constant.Unknown {
		return number{}, fmt.Errorf("%q is not a number", t)
	}
	return made(v, 0)
}
