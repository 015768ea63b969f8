package node

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// okColumn is the number of characters before the ok of a task line.
const okColumn = 43

// output prints for kato: lines, headings and tasks, each as soon as it is
// known, altered by the faults.
type output struct {
	w       *os.File
	faults  faults
	delay   time.Duration // before every line
	lines   int
	hostile string // not yet printed
	noise   noise
}

func newOutput(w *os.File, f faults) *output {
	o := &output{w: w, faults: f, delay: f.duration("slow"), noise: f.noise()}
	if o.noise.motd {
		o.write("Welcome to Ubuntu 12.04.5 LTS (GNU/Linux 3.2.0-23-virtual x86_64)\n\n * Documentation:  https://help.ubuntu.com/\n\n2 packages can be updated.\n\n")
	}
	o.hostile = f.hostile()
	return o
}

// line prints one line.
func (o *output) line(format string, args ...any) {
	o.begin()
	o.write(fmt.Sprintf(format, args...))
	o.end()
}

// heading prints a section's heading.
func (o *output) heading(format string, args ...any) {
	o.line("-----> "+format, args...)
}

// task prints a task, runs it for at least the pace of a task, and prints its
// result.
func (o *output) task(pace time.Duration, what string, do func() bool) bool {
	o.begin()
	o.write(fmt.Sprintf("%-*s", okColumn, what))
	time.Sleep(pace)
	ok := do()
	if ok {
		o.write(o.noise.paint("ok"))
	} else {
		o.write(o.noise.paint("failed"))
	}
	o.end()
	return ok
}

// raw prints text with several lines.
func (o *output) raw(text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		o.line("%s", line)
	}
}

// json prints a value as JSON on one line.
func (o *output) json(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		o.line("%s", err)
		return
	}
	o.line("%s", b)
}

func (o *output) begin() {
	if o.lines > 0 && o.faults.is("crash") {
		o.crash()
	}
	time.Sleep(o.delay)
	if o.noise.sizes && o.lines%3 == 0 {
		o.write("error getting sizes\n")
	}
	if o.noise.cr {
		o.write("\r")
	}
}

func (o *output) end() {
	if o.noise.cr {
		o.write("\r")
	}
	o.write("\n")
	o.lines++
	o.write(o.hostile) // once, after the first line
	o.hostile = ""
}

// crash ends kato as a Ruby exception does.
func (o *output) crash() {
	fmt.Fprint(os.Stderr, "/home/helion/helion/kato/lib/kato/util/process_util.rb:71:in `block in run': undefined method `[]' for nil:NilClass (NoMethodError)\n"+
		"\tfrom /home/helion/helion/kato/bin/kato:19:in `<main>'\n")
	os.Exit(1)
}

// write prints at once. A reader that is gone ends kato by SIGPIPE, as it
// ends any program.
func (o *output) write(text string) {
	_, _ = o.w.WriteString(text)
}
