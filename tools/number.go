package tools

import (
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"math"
	"math/big"
)

const (
	// maxBits bounds the size of a number: about 4,900 decimal digits.
	maxBits = 1 << 14
	// wide is how many significant digits of arbitrary-precision results are shown.
	wide = 20
	// narrow is how many significant digits of float64 functions can be relied on.
	narrow = 15
)

var errTooLarge = errors.New("a number gets too large: more than 4,900 digits")

// number is a value of the calculator.
type number struct {
	v constant.Value // of kind Int or Float
	// digits is how many significant digits of v hold; 0: v is exact.
	digits int
	// percent says that v was written as a percentage, so that 200 + 10% is 220.
	percent bool
}

func whole(i int64) number { return number{v: constant.MakeInt64(i)} }

// made wraps what a computation gave, and checks its size.
func made(v constant.Value, digits int) (number, error) {
	n := number{v: v, digits: digits}
	switch x := constant.Val(v).(type) {
	case int64:
	case *big.Int:
		if x.BitLen() > maxBits {
			return number{}, errTooLarge
		}
	case *big.Rat:
		if x.Num().BitLen() > maxBits || x.Denom().BitLen() > maxBits {
			return number{}, errTooLarge
		}
	case *big.Float:
		// go/constant goes over to floating point when fractions get long.
		if x.IsInf() || x.MantExp(nil) > maxBits {
			return number{}, errTooLarge
		}
		if x.MantExp(nil) < -maxBits {
			return number{v: constant.MakeInt64(0), digits: worse(digits, wide)}, nil
		}
		n.digits = worse(digits, wide)
	default:
		return number{}, errTooLarge
	}
	return n, nil
}

// worse is the precision of what comes of two numbers with a and b digits.
func worse(a, b int) int {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	}
	return min(a, b)
}

func fromFloat(f float64) (number, error) {
	if math.IsNaN(f) {
		return number{}, errors.New("the result is undefined for these arguments")
	}
	if math.IsInf(f, 0) {
		return number{}, errors.New("the result is too large for approximate arithmetic (beyond 1.8e308)")
	}
	return made(constant.MakeFloat64(f), narrow)
}

// fromRat keeps integers of any length exact, which go/constant does not for fractions.
func fromRat(r *big.Rat, digits int) (number, error) {
	if r.IsInt() {
		return made(constant.Make(new(big.Int).Set(r.Num())), digits)
	}
	return made(constant.Make(r), digits)
}

// rat returns n as a fraction; of an approximate number, the fraction it is held as.
func (n number) rat() *big.Rat {
	switch x := constant.Val(n.v).(type) {
	case int64:
		return new(big.Rat).SetInt64(x)
	case *big.Int:
		return new(big.Rat).SetInt(x)
	case *big.Rat:
		return new(big.Rat).Set(x)
	case *big.Float:
		r, _ := x.Rat(nil)
		return r
	}
	return new(big.Rat)
}

// integer returns n as an integer if it is one.
func (n number) integer() (*big.Int, bool) {
	r := n.rat()
	return r.Num(), r.IsInt()
}

// small returns n as an int if it is an integer between lo and hi.
func (n number) small(lo, hi int64) (int64, bool) {
	i, ok := n.integer()
	if !ok || !i.IsInt64() || i.Int64() < lo || i.Int64() > hi {
		return 0, false
	}
	return i.Int64(), true
}

func (n number) sign() int { return constant.Sign(n.v) }

// float returns n as the nearest float64, which is infinite if n is too large for one.
func (n number) float() float64 {
	f, _ := constant.Float64Val(n.v)
	return f
}

func (n number) neg() number {
	return number{v: constant.UnaryOp(token.SUB, n.v, 0), digits: n.digits}
}

// arith applies + - * or /.
func arith(a number, op token.Token, b number) (number, error) {
	if op == token.QUO && b.sign() == 0 {
		return number{}, errors.New("division by zero")
	}
	if op == token.QUO { // go/constant makes even a whole quotient of long integers approximate
		x, okX := constant.Val(a.v).(*big.Int)
		y, okY := b.integer()
		if okX && okY {
			if q, rest := new(big.Int).QuoRem(x, y, new(big.Int)); rest.Sign() == 0 {
				return made(constant.Make(q), worse(a.digits, b.digits))
			}
		}
	}
	return made(constant.BinaryOp(a.v, op, b.v), worse(a.digits, b.digits))
}

// floorDiv is the largest integer that is not above a/b.
func floorDiv(a, b number) (number, error) {
	q, err := arith(a, token.QUO, b)
	if err != nil {
		return number{}, fmt.Errorf("%w: the divisor of a remainder or whole division is zero", err)
	}
	return floor(q)
}

// modulo is a - b*floorDiv(a, b): it has the sign of b, as people expect of clocks.
func modulo(a, b number) (number, error) {
	q, err := floorDiv(a, b)
	if err != nil {
		return number{}, err
	}
	p, err := arith(b, token.MUL, q)
	if err != nil {
		return number{}, err
	}
	return arith(a, token.SUB, p)
}

func floor(n number) (number, error) {
	r := n.rat()
	// Denominators are positive, for which Euclidean division rounds down.
	return made(constant.Make(new(big.Int).Div(r.Num(), r.Denom())), n.digits)
}

// roundTo rounds half away from zero, to places after the point, or before it if
// places is negative.
func roundTo(n number, places int64) (number, error) {
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(max(places, -places)), nil))
	if places < 0 {
		scale.Inv(scale)
	}
	r := n.rat()
	r.Mul(r, scale)
	half := big.NewRat(1, 2)
	if r.Sign() < 0 {
		half.Neg(half)
	}
	r.Add(r, half)
	i := new(big.Int).Quo(r.Num(), r.Denom()) // towards zero
	r.SetInt(i).Quo(r, scale)
	return fromRat(r, n.digits)
}
