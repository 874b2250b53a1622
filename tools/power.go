package tools

import (
	"errors"
	"go/constant"
	"math"
	"math/big"
)

// power is a to the b: exact for an integer b, and for a b of 1/2 where the root is
// exact.
func power(a, b number) (number, error) {
	if e, ok := b.small(-math.MaxInt64, math.MaxInt64); ok && b.digits == 0 {
		return intPower(a, e)
	}
	if b.digits == 0 && b.rat().Cmp(big.NewRat(1, 2)) == 0 {
		return squareRoot(a)
	}
	if _, ok := b.integer(); ok && b.digits == 0 {
		if one := a.rat(); one.IsInt() && one.Num().CmpAbs(big.NewInt(1)) <= 0 && a.digits == 0 {
			return trivialPower(a, b)
		}
		return number{}, errTooLarge
	}
	if a.sign() < 0 {
		return number{}, errors.New("a negative number has no real power with this exponent")
	}
	if a.sign() == 0 && b.sign() < 0 {
		return number{}, errors.New("division by zero: 0 to a negative power")
	}
	return fromFloat(math.Pow(a.float(), b.float()))
}

// trivialPower is 0, 1 or -1 to an integer of any size.
func trivialPower(a, b number) (number, error) {
	e, _ := b.integer()
	switch {
	case a.sign() == 0 && e.Sign() < 0:
		return number{}, errors.New("division by zero: 0 to a negative power")
	case a.sign() < 0 && e.Bit(0) == 0:
		return whole(1), nil
	}
	return a, nil
}

func intPower(a number, e int64) (number, error) {
	r := a.rat()
	if e < 0 {
		if r.Sign() == 0 {
			return number{}, errors.New("division by zero: 0 to a negative power")
		}
		r.Inv(r)
		e = -e
	}
	// The bits of a power are known before it is computed.
	bits := int64(max(r.Num().BitLen(), r.Denom().BitLen()) - 1)
	long := bits > 0 && e > maxBits/bits
	switch {
	case long && r.IsInt() && a.digits == 0:
		return number{}, errTooLarge
	case long || a.digits != 0 && e > 1:
		return floatPower(r, e, worse(a.digits, wide))
	}
	exp := big.NewInt(e)
	num := new(big.Int).Exp(r.Num(), exp, nil)
	den := new(big.Int).Exp(r.Denom(), exp, nil)
	return fromRat(new(big.Rat).SetFrac(num, den), a.digits)
}

// floatPower multiplies an approximate base out, in the precision of go/constant.
func floatPower(base *big.Rat, e int64, digits int) (number, error) {
	x := new(big.Float).SetPrec(512).SetRat(base)
	out := new(big.Float).SetPrec(512).SetInt64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			out.Mul(out, x)
		}
		if e > 1 {
			x.Mul(x, x)
		}
		if x.MantExp(nil) > 2*maxBits || out.MantExp(nil) > 2*maxBits {
			return number{}, errTooLarge
		}
		if x.MantExp(nil) < -2*maxBits {
			return number{v: constant.MakeInt64(0), digits: digits}, nil
		}
	}
	return made(constant.Make(out), digits)
}

// squareRoot is exact for squares of fractions.
func squareRoot(n number) (number, error) {
	if n.sign() < 0 {
		return number{}, errors.New("a negative number has no real square root")
	}
	r := n.rat()
	num, den := new(big.Int).Sqrt(r.Num()), new(big.Int).Sqrt(r.Denom())
	if exact := new(big.Rat).SetFrac(num, den); new(big.Rat).Mul(exact, exact).Cmp(r) == 0 {
		return fromRat(exact, n.digits)
	}
	root := new(big.Float).SetPrec(512)
	root.Sqrt(new(big.Float).SetPrec(512).SetRat(r))
	return made(constant.Make(root), worse(n.digits, wide))
}

// cubeRoot is exact for cubes of fractions, and defined for negative numbers.
func cubeRoot(n number) (number, error) {
	f := math.Cbrt(n.float())
	if math.IsInf(f, 0) {
		return fromFloat(f)
	}
	num, den := math.Cbrt(ratFloat(n.rat().Num())), math.Cbrt(ratFloat(n.rat().Denom()))
	if max(math.Abs(num), den) < 1<<53 {
		exact := big.NewRat(int64(math.Round(num)), max(1, int64(math.Round(den))))
		cube := new(big.Rat).Mul(exact, exact)
		if cube.Mul(cube, exact).Cmp(n.rat()) == 0 {
			return fromRat(exact, n.digits)
		}
	}
	return fromFloat(f)
}

func ratFloat(i *big.Int) float64 {
	f, _ := new(big.Float).SetInt(i).Float64()
	return f
}
