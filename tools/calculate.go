package tools

import (
	"context"
	"math/big"
	"strings"

	"bobbin/agent"
)

// maxDecimals is how many places after the point of an exact number are written out.
const maxDecimals = 60

// Calculate makes the tool calculate: exact arithmetic on decimals and fractions of up
// to about 4,900 digits.
func Calculate() (agent.Tool, error) {
	type args struct {
		Expression string `json:"expression" jsonschema:"what to compute, such as (2+3)*4^2/7, 15% of 80 or sqrt(2)"`
	}
	return Define(agent.ToolSpec{
		Name: "calculate",
		Description: "Computes an arithmetic expression exactly. Use it for every calculation that is not trivial. " +
			"Operators: + - * / ^ (power), % (percent, or remainder before a number), // (whole division), ! (factorial). " +
			"200 + 10% is 220. Angles are in radians, log is to base 10 unless log(x, base). Functions: " + functionNames() + "; constants pi and e.",
		Doing: "calculating",
	}, func(_ context.Context, a args) (string, error) {
		n, err := evaluate(a.Expression)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(strings.TrimSpace(a.Expression), "= \t\n?") + " " + n.show(), nil
	})
}

// show writes n after the sign that says whether it is exact: "= 0.3", "≈ 1.414…".
func (n number) show() string {
	r := n.rat()
	if n.digits == 0 && r.IsInt() {
		return "= " + r.Num().String()
	}
	if n.digits == 0 {
		if places, ok := decimals(r); ok {
			return "= " + strings.TrimRight(strings.TrimRight(r.FloatString(places), "0"), ".")
		}
		text := "≈ " + significant(r, wide)
		if r.Num().BitLen() <= 64 && r.Denom().BitLen() <= 64 {
			text += " (exactly " + r.String() + ")"
		}
		return text
	}
	return "≈ " + significant(r, n.digits)
}

// decimals is how many places r has after the point, if it has at most [maxDecimals].
func decimals(r *big.Rat) (int, bool) {
	rest, places := new(big.Int).Set(r.Denom()), 0
	for _, prime := range []int64{2, 5} {
		p, count := big.NewInt(prime), 0
		for count <= maxDecimals {
			q, m := new(big.Int).QuoRem(rest, p, new(big.Int))
			if m.Sign() != 0 {
				break
			}
			rest, count = q, count+1
		}
		places = max(places, count)
	}
	return places, rest.IsInt64() && rest.Int64() == 1 && places <= maxDecimals
}

// significant rounds r to digits significant digits, without trailing zeros.
func significant(r *big.Rat, digits int) string {
	f := new(big.Float).SetPrec(512).SetRat(r)
	text := f.Text('g', digits)
	mantissa, exp, scientific := strings.Cut(text, "e")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	if scientific {
		return mantissa + "e" + exp
	}
	return mantissa
}
