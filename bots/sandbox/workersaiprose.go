package sandbox

import (
	"fmt"
	"strings"
)

const aiCodeText = "Here is some code, to see how a fence looks:\n\n" +
	"```go\npackage main\n\nimport \"fmt\"\n\n// wind adds n turns of thread.\nfunc wind(turns, n int) int {\n\tfor range n {\n\t\tturns++\n\t}\n\treturn turns\n}\n\nfunc main() {\n\tfmt.Println(wind(3, 4)) // 7\n}\n```\n\n" +
	"And inline: call `wind(3, 4)` and it gives `7`."

const aiMarkdownText = `# Markdown, all of it

This is a paragraph with **bold**, *italic*, ~~struck out~~ and ` + "`inline code`" + `, and a [link](https://example.org/bobbin).

## Lists

- Cotton
- Silk
  - raw
  - spun
- Wool

1. Wind the bobbin.
2. Thread the needle.
3. Sew.

- [x] bobbin wound
- [ ] seam sewn

## A quote

> A stitch in time
> saves nine.

## A table

| Thread  | Weight | Needle |
|---------|-------:|:------:|
| Cotton  |     40 |   80   |
| Silk    |    100 |   60   |
| Wool    |     12 |  100   |

## Code

` + "```python\ndef stitches(length_mm, stitch_mm=2.5):\n    \"\"\"How many stitches a seam takes.\"\"\"\n    return round(length_mm / stitch_mm)\n\nprint(stitches(100))  # 40\n```" + `

---

Things that must not ring: @everyone, <!channel>, <@U00000000>. Emoji: 🧵 🪡 👩‍👩‍👧. Other scripts: 糸, нить, خيط.`

// aiSections are the parts of a long answer, each of another kind.
var aiSections = []string{
	`A bobbin is the small spool that holds the lower thread of a sewing machine. The upper thread comes from the top, passes through the eye of the needle, and is pushed through the cloth. There the hook catches its loop and carries it around the bobbin, so that the two threads lock in the middle of the fabric. Neither thread alone would hold: pull one end of a chain stitch and the whole seam opens; the lockstitch stays. That is the reason why every household machine since the 1850s has a little spool under its needle plate, and why it is always empty when you are in a hurry.`,

	`Before you begin, lay out what you need:

- a **bobbin** of the size that your machine asks for
  - class 15 is domed a little and fits most home machines
  - class 66 is flat and found in older ones
- thread of the *same* kind above and below
- a needle that suits the cloth:
  1. fine for silk
  2. medium for cotton
  3. strong for denim
- and ~~patience~~ a seam ripper`,

	"If you would rather compute than guess, this tells how much thread a seam takes:\n\n```go\npackage seam\n\n// Thread returns the length of thread in millimetres for one seam. A lockstitch takes\n// its own length on both sides, and the thickness of the cloth twice per stitch.\nfunc Thread(seam, stitch, cloth float64) float64 {\n\tif stitch <= 0 {\n\t\treturn 0\n\t}\n\tstitches := seam / stitch\n\tupper := seam + stitches*cloth\n\tlower := seam + stitches*cloth\n\treturn upper + lower\n}\n\nfunc Example() {\n\t// One metre, 2.5 mm stitches, 0.8 mm of cotton.\n\tprintln(Thread(1000, 2.5, 0.8))\n\tprintln(Thread(1000, 1.0, 0.8))\n\tprintln(Thread(0, 2.5, 0.8))\n}\n```\n\nThe thinner the cloth, the closer the answer comes to twice the length of the seam.",

	`| Cloth   | Needle | Stitch | Tension | Remark                         |
|---------|:------:|-------:|--------:|--------------------------------|
| Silk    |   60   | 2.0 mm |       3 | wash your hands first          |
| Cotton  |   80   | 2.5 mm |       4 | the one to learn on            |
| Linen   |   90   | 3.0 mm |       4 | iron it before, not after      |
| Wool    |  100   | 3.5 mm |       5 | give it time                   |
| Denim   |  110   | 4.0 mm |       6 | slowly over the thick places   |
| Leather |  110   | 4.5 mm |       6 | every hole stays, so aim well  |`,

	`> “The lower thread is never seen, and holds everything.”

So it is with the parts of a program that nobody looks at. The message that is written down *before* it is acknowledged; the answer that goes on in the same place after a restart; the edit that waits because the last one was a moment ago. You notice them only when they are missing, and then you notice nothing else. **Nobody ever praised a bobbin**, and that is as it should be.`,

	`When something goes wrong, look in this order:

1. **The thread breaks.** Thread it again from the very start. Nine times out of ten it has slipped out of a guide.
2. **Loops underneath.** It looks like the lower tension, and is the upper one: the presser foot was down when you threaded it.
3. **Skipped stitches.** Change the needle. They are good for about eight hours of sewing and cost less than a coffee.
4. **It hums and does not move.** A thread end is jammed under the hook. Take the bobbin case out, *switch off first*, and clean it with a small brush.
5. **It still does not work.** Call somebody who has done it before, and watch.`,

	"A machine can be described by its settings as well as by words:\n\n```yaml\nmachine:\n  name: workshop-2\n  bobbin: {class: 15, thread: cotton, turns: 420}\n  needle: 80\nseams:\n  - kind: straight\n    length_mm: 1200\n    stitch_mm: 2.5\n  - kind: zigzag\n    length_mm: 300\n    stitch_mm: 1.8\n    width_mm: 4\n```\n\nLines such as `needle: 80` mean the same to everybody, which cannot be said of *“the medium one”*.",

	`Threads go by many names: *Faden* in German, *fil* in French, *hilo* in Spanish, *нить* in Russian, *خيط* in Arabic, *糸* in Japanese. They share one property, which is that they are longer than one thinks. A class 15 bobbin holds about sixty metres of ordinary cotton 🧵, enough for a shirt 👕 and half of another. A conversation is like that too: it winds up turn by turn, and when it is pulled out again it is surprising how much of it there was.`,
}

var aiTitles = []string{
	"What a bobbin is", "What you need", "How much thread", "Settings for each cloth", "Why nobody sees it",
	"When it goes wrong", "Written down", "In other words",
}

// aiLongText is Markdown of well over 4,000 characters with something of everything in
// it; the very long one has over 12,000.
func aiLongText(very bool) string {
	rounds := 1
	if very {
		rounds = 3
	}
	var b strings.Builder
	b.WriteString("# A long answer about bobbins\n\nYou asked for it. None of this was thought up just now; it is here to be looked at while it arrives.\n")
	for round := range rounds {
		if rounds > 1 {
			fmt.Fprintf(&b, "\n# Part %d of %d\n", round+1, rounds)
		}
		for i, section := range aiSections {
			fmt.Fprintf(&b, "\n## %d. %s\n\n%s\n", round*len(aiSections)+i+1, aiTitles[i], section)
		}
	}
	b.WriteString("\n---\n\nThat was the end of it.")
	return b.String()
}
