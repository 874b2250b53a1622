package tools

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCalculateGivesWhatAPersonExpects(t *testing.T) {
	for expr, want := range map[string]string{
		"0.1+0.2":                       "= 0.3",
		"7/2":                           "= 3.5",
		"7//2":                          "= 3",
		"7 div 2":                       "= 3",
		"-7//2":                         "= -4",
		"7 % 3":                         "= 1",
		"7%3":                           "= 1",
		"7 mod 3":                       "= 1",
		"-7 mod 3":                      "= 2",
		"mod(7.5, 2)":                   "= 1.5",
		"2^10":                          "= 1024",
		"2**10":                         "= 1024",
		"2*3^2":                         "= 18",
		"2^3^2":                         "= 512",
		"-2^2":                          "= -4",
		"(-2)^2":                        "= 4",
		"2^-1":                          "= 0.5",
		"2+3*4":                         "= 14",
		"10-4-3":                        "= 3",
		"100/10/2":                      "= 5",
		"1/3":                           "≈ 0.33333333333333333333 (exactly 1/3)",
		"1/3*3":                         "= 1",
		"-1/3":                          "≈ -0.33333333333333333333 (exactly -1/3)",
		"2/3":                           "≈ 0.66666666666666666667 (exactly 2/3)",
		"1/8":                           "= 0.125",
		"1e3":                           "= 1000",
		"1.5e-3":                        "= 0.0015",
		"010":                           "= 10",
		"0x10 + 0b11":                   "= 19",
		".5":                            "= 0.5",
		"5.":                            "= 5",
		"1,234,567.89 + 0.11":           "= 1234568",
		"1'000'000":                     "= 1000000",
		"1\u202f000 + 1\u00a0000":       "= 2000",
		"max(1,234)":                    "= 234",
		"max(1; 234; 5)":                "= 234",
		"max((1,234), 5)":               "= 1234",
		"15% of 80":                     "= 12",
		"15 % of 80":                    "= 12",
		"200 + 10%":                     "= 220",
		"200 - 10%":                     "= 180",
		"10% + 5%":                      "= 0.15",
		"50%":                           "= 0.5",
		"5% - 3":                        "= -2.95",
		"80 * 15%":                      "= 12",
		"3 × 4 ÷ 2 − 1":                 "= 5",
		"3 x 4":                         "= 12",
		"5!":                            "= 120",
		"3!!":                           "= 720",
		"-3!":                           "= -6",
		"5²+2³":                         "= 33",
		"√16 + √(9)":                    "= 7",
		"sqrt(16)":                      "= 4",
		"sqrt(0.25)":                    "= 0.5",
		"sqrt(2)":                       "≈ 1.4142135623730950488",
		"sqrt(2)^2":                     "≈ 2",
		"8^(1/3)":                       "≈ 2",
		"4^0.5":                         "= 2",
		"cbrt(-27)":                     "= -3",
		"cbrt(2)":                       "≈ 1.25992104989487",
		"abs(-3)":                       "= 3",
		"round(2.5)":                    "= 3",
		"round(-2.5)":                   "= -3",
		"round(3.14159, 2)":             "= 3.14",
		"round(1234, -2)":               "= 1200",
		"floor(-1.5)":                   "= -2",
		"ceil(-1.5)":                    "= -1",
		"trunc(-1.5)":                   "= -1",
		"log(1000)":                     "= 3",
		"log10(0.001)":                  "= -3",
		"log(8, 2)":                     "= 3",
		"log2(1024)":                    "= 10",
		"ln(1)":                         "= 0",
		"ln(e)":                         "≈ 1",
		"ln(10)":                        "≈ 2.30258509299405",
		"log(2^5000, 2)":                "= 5000",
		"exp(0)":                        "= 1",
		"sin(0)":                        "= 0",
		"sin(pi)":                       "≈ 0",
		"cos(pi)":                       "≈ -1",
		"sin(rad(30))":                  "≈ 0.5",
		"deg(pi)":                       "≈ 180",
		"pi":                            "≈ 3.1415926535897932385",
		"2*π":                           "≈ 6.2831853071795864769",
		"PI":                            "≈ 3.1415926535897932385",
		"hypot(3,4)":                    "= 5",
		"gcd(12, 18, 8)":                "= 2",
		"lcm(4,6)":                      "= 12",
		"gcd(-12, 0)":                   "= 12",
		"choose(5,2)":                   "= 10",
		"avg(1,2,4)":                    "≈ 2.3333333333333333333 (exactly 7/3)",
		"sum(5)":                        "= 5",
		"min(1/3, 0.3)":                 "= 0.3",
		"factorial(200)/factorial(199)": "= 200",
		"round(2^5000) - 2^5000":        "= 0",
		"0^0":                           "= 1",
		"(-1)^1000001":                  "= -1",
		"0.1^60":                        "= 0." + strings.Repeat("0", 59) + "1",
		"0.1^61":                        "≈ 1e-61",
		"1.000123^3650":                 "≈ 1.5666230697457586483",
		"(1+1/1e9)^1e9":                 "≈ 2.7182818270999043224",
		"0.99999^10000000":              "≈ 3.7182163905706830394e-44",
		"2^-100000":                     "≈ 0",
		"2+2 =":                         "= 4",
		"[2+2]*{3}":                     "= 12",
		"+5":                            "= 5",
		"--5":                           "= 5",
		"99999999999999999999 * 99999999999999999999": "= 9999999999999999999800000000000000000001",
		"1.07^30 * 1000": "= 7612.255042662029206648128983778031607830320888857736765034249",
	} {
		n, err := evaluate(expr)
		if err != nil {
			t.Errorf("%s: %v, want %s", expr, err, want)
			continue
		}
		if got := n.show(); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func TestCalculateRefusesWithAReason(t *testing.T) {
	for expr, want := range map[string]string{
		"":                              "empty",
		" = ?":                          "empty",
		"1/0":                           "division by zero",
		"1//0":                          "division by zero",
		"1 mod 0":                       "division by zero",
		"0^-1":                          "division by zero",
		"2^100000":                      "too large",
		"9^9^9":                         "too large",
		"9^9^9^9^9":                     "too large",
		"2^1e4000":                      "too large",
		"1e5000":                        "too large",
		"1e99999999999999":              "too large",
		"10000!":                        "too large",
		"3!!!!":                         "too large",
		"(2^16000)*(2^16000)":           "too large",
		"1.0001^1e9":                    "too large",
		"exp(1000)":                     "too large",
		"(-1)!":                         "factorial",
		"2.5!":                          "factorial",
		"sqrt(-1)":                      "square root",
		"(-8)^0.3":                      "negative number",
		"ln(0)":                         "positive",
		"log(5, 1)":                     "base",
		"asin(2)":                       "undefined",
		"sin(1e300)":                    "too large",
		"gcd(1.5, 2)":                   "integers",
		"2 3":                           "operator is missing",
		"2(3)":                          "operator is missing",
		"2pi":                           "operator is missing",
		"1,5 + 2":                       "use a point",
		"(1+2":                          `")" is missing`,
		"1+2)":                          `")" too many`,
		"1+":                            "ends too early",
		"*2":                            "expected a number",
		"foo(1)":                        "the functions are",
		"sqrt 4":                        "in brackets",
		"sqrt()":                        "takes 1 argument, got 0",
		"sqrt(1,2)":                     "takes 1 argument, got 2",
		"round(1,2,3)":                  "takes 1 or 2 arguments",
		"max()":                         "1 or more",
		"round(1, 0.5)":                 "places",
		"1.2.3":                         "not a number",
		".":                             "not a number",
		"1 & 2":                         `unexpected "&"`,
		"$5 + 1":                        "expected a number",
		"\xff":                          "UTF-8",
		strings.Repeat("(", 500) + "1":  "nested too deeply",
		strings.Repeat("-", 500) + "1":  "nested too deeply",
		strings.Repeat("√", 500) + "1":  "nested too deeply",
		strings.Repeat("2^", 300) + "1": "nested too deeply",
		strings.Repeat("1+", 600) + "1": "the limit is 1000",
		"__import__('os')":              "expected a number",
	} {
		n, err := evaluate(expr)
		if err == nil {
			t.Errorf("%.40s: %s, want an error", expr, n.show())
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", expr, err, want)
		}
	}
}

func TestCalculateAnswersWithTheExpression(t *testing.T) {
	tool, err := Calculate()
	if err != nil {
		t.Fatal(err)
	}
	if r := call(t, tool, `{"expression":" 0.1 + 0.2 = "}`); r.Failed || r.Text != "0.1 + 0.2 = 0.3" {
		t.Errorf("result %+v", r)
	}
	if r := call(t, tool, `{"expression":"1/0"}`); !r.Failed {
		t.Errorf("result %+v", r)
	}
}

func FuzzCalculateNeverPanics(f *testing.F) {
	for _, seed := range []string{
		"0.1+0.2", "1/3", "2^3^2", "15% of 80", "max(1,234)", "√(2)²", "5!%3", "1e4900*1e-4900", "0x1f", "round(2/3, 900)",
		"choose(10000,5000)", "1700!", "tan(pi/2)", "log(1e-4000, 3)", "1.1^16384", "(1/3)^5000", "cbrt(1e4900)", "x x x", "2%%", "()", ",", "0^(2^16000)",
		"(-1)^(2^15000)", "hypot(1e2000, 1)", "sqrt(2)^16384", "1e-4900^3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expr string) {
		n, err := evaluate(expr)
		if err != nil {
			return
		}
		text := n.show()
		if !strings.HasPrefix(text, "= ") && !strings.HasPrefix(text, "≈ ") {
			t.Fatalf("%q shows as %q", expr, text)
		}
		if len(text) > 6000 {
			t.Fatalf("%q gives %d bytes", expr, len(text))
		}
		// What is exact and finite reads back as the same number.
		if after, ok := strings.CutPrefix(text, "= "); ok && len(after) <= maxExpression {
			again, err := evaluate(after)
			if err != nil || again.rat().Cmp(n.rat()) != 0 {
				t.Fatalf("%q = %s, which reads back as %v, %v", expr, after, again, err)
			}
		}
		if _, err := json.Marshal(text); err != nil {
			t.Fatal(err)
		}
	})
}
