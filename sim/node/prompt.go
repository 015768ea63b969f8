package node

import (
	"bufio"
	"os"
	"strings"
)

// prompts asks what the fault "prompt" requires, before kato does anything:
//
//	sudo      no terminal: sudo gives up at once, status 1
//	tty       sudo asks for a password on standard input
//	password  ssh to another node asks for a password on standard input
//	confirm   the typed confirmation: only Proceed goes on
//	yesno     a question: only y or yes goes on
//	forever   asks, and waits whatever standard input holds
//
// It returns true if kato must end, and the exit status.
func (k *kato) prompts() (int, bool) {
	sudo := "[sudo] password for " + k.s.User + ": "
	switch k.faults.value("prompt") {
	case "sudo":
		k.out.line("sudo: no tty present and no askpass program specified")
		return 1, true
	case "tty":
		if k.ask(sudo) == "" {
			k.out.raw("\nsudo: 1 incorrect password attempt")
			return 1, true
		}
	case "password":
		if k.ask(k.s.User+"@"+k.s.Core+"'s password: ") == "" {
			k.out.raw("\nPermission denied (publickey,password).")
			return 1, true
		}
	case "confirm":
		k.out.line("WARNING: THIS WILL WIPE ANY EXISTING DATA YOU CURRENTLY HAVE IN HELION!!")
		if k.ask(`If you're sure you want to continue, type "Proceed" and press ENTER: `) != "Proceed" {
			k.out.raw("\nAborted.")
			return 1, true
		}
	case "yesno":
		if !k.confirm("Are you sure? [y/N] ") {
			return 1, true
		}
	case "forever":
		k.out.write(sudo)
		forever()
	}
	return 0, false
}

// ask prints a question and reads one line; "" may mean no answer.
func (k *kato) ask(question string) string {
	k.out.write(question)
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return ""
	}
	return strings.TrimSpace(line)
}

// confirm asks a question and returns true only for y or yes.
func (k *kato) confirm(question string) bool {
	answer := strings.ToLower(k.ask(question))
	if answer == "y" || answer == "yes" {
		return true
	}
	k.out.raw("\nAborted.")
	return false
}
