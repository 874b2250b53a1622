package tools

import (
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"
)

// function is one entry of the calculator's table. Arguments are counted before eval
// is called.
type function struct {
	min, max int // max 0: as many as there are
	eval     func(args []number) (number, error)
}

// constants have more digits than are ever shown.
var constants = map[string]number{
	"pi": irrational("3.14159265358979323846264338327950288419716939937510582097494459"),
	"e":  irrational("2.71828182845904523536028747135266249775724709369995957496696763"),
}

func irrational(digits string) number {
	return number{v: constant.MakeFromLiteral(digits, token.FLOAT, 0), digits: wide}
}

var functions = map[string]function{
	"abs": one(func(n number) (number, error) {
		if n.sign() < 0 {
			return n.neg(), nil
		}
		return n, nil
	}),
	"sign":  one(func(n number) (number, error) { return whole(int64(n.sign())), nil }),
	"floor": one(floor),
	"ceil": one(func(n number) (number, error) {
		r, err := floor(n.neg())
		return r.neg(), err
	}),
	"trunc": one(func(n number) (number, error) {
		r := n.rat()
		return made(constant.Make(new(big.Int).Quo(r.Num(), r.Denom())), n.digits)
	}),
	"round": {1, 2, round},
	"min":   {1, 0, func(args []number) (number, error) { return pick(args, token.LSS), nil }},
	"max":   {1, 0, func(args []number) (number, error) { return pick(args, token.GTR), nil }},
	"sum":   {1, 0, sum},
	"avg": {1, 0, func(args []number) (number, error) {
		s, err := sum(args)
		if err != nil {
			return number{}, err
		}
		return arith(s, token.QUO, whole(int64(len(args))))
	}},

	"pow":   two(power),
	"sqrt":  one(squareRoot),
	"cbrt":  one(cubeRoot),
	"hypot": two(hypot),
	"exp":   approx(math.Exp),
	"ln":    one(func(n number) (number, error) { return logarithm(n, constants["e"]) }),
	"log2":  one(func(n number) (number, error) { return logarithm(n, whole(2)) }),
	"log10": one(func(n number) (number, error) { return logarithm(n, whole(10)) }),
	"log": {1, 2, func(args []number) (number, error) {
		if len(args) == 1 {
			args = append(args, whole(10))
		}
		return logarithm(args[0], args[1])
	}},

	"sin": trig(math.Sin), "cos": trig(math.Cos), "tan": trig(math.Tan),
	"asin": approx(math.Asin), "acos": approx(math.Acos), "atan": approx(math.Atan),
	"sinh": approx(math.Sinh), "cosh": approx(math.Cosh), "tanh": approx(math.Tanh),
	"rad": one(func(n number) (number, error) { return convert(n, constants["pi"], whole(180)) }),
	"deg": one(func(n number) (number, error) { return convert(n, whole(180), constants["pi"]) }),

	"div":       two(floorDiv),
	"mod":       two(modulo),
	"gcd":       {1, 0, func(args []number) (number, error) { return reduce(args, gcd) }},
	"lcm":       {1, 0, func(args []number) (number, error) { return reduce(args, lcm) }},
	"factorial": one(factorial),
	"choose":    two(choose),
}

// aliases are other names for the same functions and constants.
var aliases = map[string]string{
	"fact": "factorial", "mean": "avg", "average": "avg", "ncr": "choose", "comb": "choose", "binomial": "choose",
	"power": "pow", "ceiling": "ceil", "degrees": "deg", "radians": "rad", "π": "pi", "lg": "log10", "lb": "log2",
}

func one(f func(number) (number, error)) function {
	return function{1, 1, func(args []number) (number, error) { return f(args[0]) }}
}

func two(f func(a, b number) (number, error)) function {
	return function{2, 2, func(args []number) (number, error) { return f(args[0], args[1]) }}
}

func approx(f func(float64) float64) function {
	return one(func(n number) (number, error) {
		if y, ok := atZero(n, f); ok {
			return y, nil
		}
		return fromFloat(f(n.float()))
	})
}

// atZero is f(0) where that is an integer: exp(0) is exactly 1.
func atZero(n number, f func(float64) float64) (number, bool) {
	y := f(0)
	return whole(int64(y)), n.sign() == 0 && n.digits == 0 && y == math.Trunc(y)
}

// trig rounds what float64 makes of multiples of pi: sin(pi) is 0, not 1.2e-16.
func trig(f func(float64) float64) function {
	return one(func(n number) (number, error) {
		if y, ok := atZero(n, f); ok {
			return y, nil
		}
		x := n.float()
		if math.Abs(x) > 1e9 {
			return number{}, errors.New("the angle is too large to be exact enough; reduce it to one turn first (angles are in radians)")
		}
		y := f(x)
		if math.Abs(y) > 1e15 {
			return number{}, errors.New("the tangent is not defined here")
		}
		if math.Abs(y) < 1e-15 && math.Abs(x) > 1e-14 {
			y = 0
		}
		return fromFloat(y)
	})
}

func convert(n, factor, divisor number) (number, error) {
	p, err := arith(n, token.MUL, factor)
	if err != nil {
		return number{}, err
	}
	return arith(p, token.QUO, divisor)
}

func pick(args []number, op token.Token) number {
	best := args[0]
	for _, n := range args[1:] {
		if constant.Compare(n.v, op, best.v) {
			best = n
		}
	}
	return best
}

func sum(args []number) (number, error) {
	return reduce(args, func(a, b number) (number, error) { return arith(a, token.ADD, b) })
}

func reduce(args []number, f func(a, b number) (number, error)) (number, error) {
	acc := args[0]
	for _, n := range args[1:] {
		var err error
		if acc, err = f(acc, n); err != nil {
			return number{}, err
		}
	}
	return acc, nil
}

func round(args []number) (number, error) {
	places := int64(0)
	if len(args) == 2 {
		var ok bool
		if places, ok = args[1].small(-1000, 1000); !ok {
			return number{}, errors.New("the second argument of round is how many places to keep: an integer from -1000 to 1000")
		}
	}
	return roundTo(args[0], places)
}

func hypot(a, b number) (number, error) {
	aa, err := power(a, whole(2))
	if err != nil {
		return number{}, err
	}
	bb, err := power(b, whole(2))
	if err != nil {
		return number{}, err
	}
	s, err := arith(aa, token.ADD, bb)
	if err != nil {
		return number{}, err
	}
	return squareRoot(s)
}

// logarithm is exact where the result is an integer.
func logarithm(n, base number) (number, error) {
	if n.sign() <= 0 {
		return number{}, errors.New("the logarithm is only defined for positive numbers")
	}
	if base.sign() <= 0 || base.rat().Cmp(big.NewRat(1, 1)) == 0 {
		return number{}, errors.New("the base of a logarithm must be positive and not 1")
	}
	if n.digits == 0 && n.rat().Cmp(big.NewRat(1, 1)) == 0 {
		return whole(0), nil
	}
	x := bigLog(n.rat()) / bigLog(base.rat())
	if k := math.Round(x); math.Abs(k) <= maxBits {
		if p, err := power(base, whole(int64(k))); err == nil && constant.Compare(p.v, token.EQL, n.v) {
			return number{v: constant.MakeInt64(int64(k)), digits: worse(n.digits, p.digits)}, nil
		}
	}
	return fromFloat(x)
}

// bigLog is the natural logarithm of r, which may be beyond float64.
func bigLog(r *big.Rat) float64 {
	mant := new(big.Float)
	exp := new(big.Float).SetPrec(128).SetRat(r).MantExp(mant)
	f, _ := mant.Float64()
	if exp == 0 || exp == 1 {
		return math.Log(math.Ldexp(f, exp)) // near 1 the sum below would cancel
	}
	return math.Log(f) + float64(exp)*math.Ln2
}

func integers(what string, a, b number) (*big.Int, *big.Int, error) {
	x, okX := a.integer()
	y, okY := b.integer()
	if !okX || !okY || a.digits+b.digits > 0 {
		return nil, nil, fmt.Errorf("%s is only defined for integers", what)
	}
	return x, y, nil
}

func gcd(a, b number) (number, error) {
	x, y, err := integers("gcd", a, b)
	if err != nil {
		return number{}, err
	}
	return made(constant.Make(new(big.Int).GCD(nil, nil, new(big.Int).Abs(x), new(big.Int).Abs(y))), 0)
}

func lcm(a, b number) (number, error) {
	x, y, err := integers("lcm", a, b)
	if err != nil {
		return number{}, err
	}
	if x.Sign() == 0 || y.Sign() == 0 {
		return whole(0), nil
	}
	d := new(big.Int).GCD(nil, nil, new(big.Int).Abs(x), new(big.Int).Abs(y))
	p := new(big.Int).Mul(x, y)
	return made(constant.Make(p.Quo(p.Abs(p), d)), 0)
}

func factorial(n number) (number, error) {
	const most = 1700 // 1700! has 15,817 bits
	i, ok := n.small(0, most)
	if !ok || n.digits != 0 {
		if big, whole := n.integer(); whole && big.Sign() > 0 {
			return number{}, errTooLarge
		}
		return number{}, errors.New("the factorial is only defined for integers from 0")
	}
	return made(constant.Make(new(big.Int).MulRange(1, i)), 0)
}

func choose(n, k number) (number, error) {
	const most = 10_000
	nn, okN := n.small(0, most)
	kk, okK := k.small(0, most)
	if !okN || !okK || n.digits+k.digits > 0 {
		return number{}, fmt.Errorf("choose is only defined here for integers from 0 to %d", most)
	}
	return made(constant.Make(new(big.Int).Binomial(nn, kk)), 0)
}

// lookUp finds a function or constant by the name a person wrote.
func lookUp(word string) string {
	word = strings.ToLower(word)
	if a, ok := aliases[word]; ok {
		return a
	}
	return word
}

func functionNames() string { return strings.Join(slices.Sorted(maps.Keys(functions)), ", ") }
