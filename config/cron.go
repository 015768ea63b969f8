package config

import (
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"
)

var cronParser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// starBit is how a cron.SpecSchedule marks a day field that restricts no day by
// itself.
const starBit = 1 << 63

// ParseCron reads a cron line as crontab(5) has it, with or without seconds in
// front, or a descriptor such as @daily. In the library's own reading 7 is no
// day, and a step takes the star from a day field.
func ParseCron(line string) (cron.Schedule, error) {
	fields := strings.Fields(line)
	if len(fields) < 5 {
		return cronParser.Parse(line)
	}
	dom, dow := fields[len(fields)-3], fields[len(fields)-1]
	fields[len(fields)-1] = sundays(dow)
	parsed, err := cronParser.Parse(strings.Join(fields, " "))
	if err != nil && fields[len(fields)-1] != dow { // quote what was typed
		if _, typed := cronParser.Parse(line); typed != nil {
			err = typed
		}
	}
	if spec, ok := parsed.(*cron.SpecSchedule); ok {
		spec.Dom, spec.Dow = starred(spec.Dom, dom), starred(spec.Dow, dow)
	}
	return parsed, err
}

// starred marks a day field that begins with a star, and no other: cron looks
// at the first character.
func starred(bits uint64, field string) uint64 {
	if field[0] == '*' || field[0] == '?' {
		return bits | starBit
	}
	return bits &^ starBit
}

// sundays writes 7 in a field of weekdays as 0, and a range that ends with it
// as its days.
func sundays(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(days, "-")
		if !ranged {
			last = first
		}
		every, err := strconv.Atoi(step)
		from, known := weekday(first)
		if to, ok := weekday(last); !ok || !known || to != 7 || from > to || stepped && (err != nil || every < 1) {
			continue
		}
		var list []string
		for day := from; day <= 7; day += max(1, every) {
			list = append(list, strconv.Itoa(day%7))
		}
		parts[i] = strings.Join(list, ",")
	}
	return strings.Join(parts, ",")
}

// weekday reads a day from 0 to 7, or its name. A name is never 7.
func weekday(word string) (int, bool) {
	for i, name := range []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} {
		if strings.EqualFold(word, name) {
			return i, true
		}
	}
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 0 && n <= 7
}
