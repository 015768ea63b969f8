package als

import (
	"fmt"
	"strconv"
)

// Maintenance mode: the controller refuses changes, and applications keep
// running.

const familyMaintenance = "maintenance"

var (
	probeMaintenance       = stepID{"maintenance", "read maintenance mode"}
	probeMaintenanceDuring = stepID{"maintenance-during", "see that maintenance mode is on"}
	probeMaintenanceAfter  = stepID{"maintenance-after", "read maintenance mode again"}
)

const maintenanceDetail = "In maintenance mode applications go on, but nobody can deploy or change anything: the controller answers 503.\n" +
	"It stays on until somebody turns it off."

var opMaintenanceStatus = Operation{
	Name: "maintenance status", Family: familyMaintenance, Effect: always(Read),
	Summary: "say whether maintenance mode is on", Detail: maintenanceDetail,
	Example: "maintenance status @prod",
	Plan: func(r Request, c Cluster, _ Results) (Plan, error) {
		return readPlan(r, c.probeMaintenance(probeMaintenance)), nil
	},
	Judge: func(_ Request, c Cluster, _ Plan, rs Results) Verdict {
		on, err := readStep(rs, probeMaintenance, ReadBool)
		if err != nil {
			return nothingRead(modeUnread(err))
		}
		v := Verdict{Outcome: Succeeded, Whole: true, Summary: "Maintenance mode is " + onOff(on) + ".", Concern: on, Data: Data{Maintenance: onOff(on)}}
		if on {
			v.Next = offer("Turn it off with %s when the work is done.", c.command("maintenance", "off"))
		}
		return v
	},
}

var opMaintenanceOn = maintenanceSwitch("on", true)

var opMaintenanceOff = maintenanceSwitch("off", false)

// maintenanceSwitch returns `maintenance on` or `off`. It is proven by reading
// the mode again.
func maintenanceSwitch(word string, on bool) Operation {
	return Operation{
		Name: "maintenance " + word, Family: familyMaintenance, Effect: always(Change),
		Summary: "turn maintenance mode " + word, Detail: maintenanceDetail, Proof: "the mode is " + word + " when it is read again.",
		Example: "maintenance " + word + " @prod",
		Shows:   shows("maintenance status"),
		Checks:  func(_ Request, c Cluster) ([]Step, error) { return []Step{c.probeMaintenance(probeMaintenance)}, nil },
		Plan: func(r Request, c Cluster, rs Results) (Plan, error) {
			p := newPlan(r, Change)
			was, err := readStep(rs, probeMaintenance, ReadBool)
			if err != nil {
				p.Findings = append(p.Findings, modeUnread(err))
				return p, nil
			}
			if was == on {
				p.Nothing = "maintenance mode is " + word + " already"
				return p, nil
			}
			p.Facts = []Fact{{"maintenance", "maintenance mode", onOff(was)}}
			p.Steps = []Step{c.setMaintenance(on)}
			p.Verify = []Step{c.probeMaintenance(probeMaintenanceAfter)}
			return p, nil
		},
		Judge: func(_ Request, c Cluster, p Plan, rs Results) Verdict {
			now, err := readStep(rs, probeMaintenanceAfter, ReadBool)
			if err != nil {
				v := nothingRead(modeUnread(err))
				v.Outcome = unseenOutcome(p, rs)
				v.Summary = "It cannot be confirmed that maintenance mode is " + word + ". " + v.Summary
				return v
			}
			if now != on {
				step := switchMaintenance(on)
				return Verdict{Outcome: Failed, Summary: fmt.Sprintf("Maintenance mode is still %s; %s.", onOff(now), describeEnd(rs, step)),
					Next: fixFirst(rs, step, Advice{}).Or(ReadOutput)}
			}
			v := Verdict{Outcome: Succeeded, Whole: true, Summary: "Maintenance mode is " + word + ", by a fresh look."}
			if on {
				v.Next = offer("Turn it off with %s when the work is done.", c.command("maintenance", "off"))
			}
			return v
		},
	}
}

func (c Cluster) probeMaintenance(id stepID) Step {
	return c.probe(id, "config", "get", "cloud_controller_ng", "maintenance_mode")
}

// modeUnread returns the finding for a maintenance mode that could not be
// read.
func modeUnread(err error) Finding {
	f := findingOf(Stop, err)
	if f.Fix.Empty() {
		f.Fix = Advise("Run %s on the core by hand and see what it prints.", Typed("kato config get cloud_controller_ng maintenance_mode"))
	}
	return f
}

func (c Cluster) setMaintenance(on bool) Step {
	s := switchMaintenance(on).on(Core, c.kato("config", "set", "cloud_controller_ng", "maintenance_mode", strconv.FormatBool(on)))
	s.Limit = probeLimit
	return s
}

// switchMaintenance returns the ID of the step that turns maintenance mode on
// or off.
func switchMaintenance(on bool) stepID {
	return stepID{"maintenance-" + onOff(on), "turn maintenance mode " + onOff(on)}
}

// SetsMaintenance reports whether a step sets maintenance mode, and to which
// value.
func SetsMaintenance(s Step) (on, ok bool) {
	for _, on := range []bool{true, false} {
		if s.ResultKey() == switchMaintenance(on).key {
			return on, true
		}
	}
	return false, false
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// withMaintenance surrounds steps with turning maintenance mode on and off. If
// the mode was on already, it stays on. A step in between reads the mode, as a
// record that it was on. ok is false if the checks could not read the mode.
func (c Cluster) withMaintenance(p *Plan, rs Results, steps []Step) ([]Step, bool) {
	was, err := readStep(rs, probeMaintenance, ReadBool)
	if err != nil {
		p.Findings = append(p.Findings, modeUnread(err))
		return nil, false
	}
	if was {
		p.Facts = append(p.Facts, Fact{"maintenance", "maintenance mode", "on already; it stays on"})
		return steps, true
	}
	p.Facts = append(p.Facts, Fact{"maintenance", "maintenance mode", "off; on meanwhile, then off again"})
	meanwhile := c.probeMaintenance(probeMaintenanceDuring)
	meanwhile.Tolerate = true
	off := c.setMaintenance(false)
	off.Always = true
	out := append([]Step{c.setMaintenance(true), meanwhile}, steps...)
	p.Verify = append(p.Verify, c.probeMaintenance(probeMaintenanceAfter))
	p.Hints.Maintenance = "off"
	return append(out, off), true
}

// judgeMaintenance turns a success into a failure if maintenance mode is not
// off again after withMaintenance.
func (c Cluster) judgeMaintenance(v Verdict, p Plan, rs Results) Verdict {
	if p.Hints.Maintenance != "off" {
		return v
	}
	left, outcome, text := v, Failed, "maintenance mode is still on"
	now, err := readStep(rs, probeMaintenanceAfter, ReadBool)
	switch {
	case err != nil:
		f := findingOf(Stop, err)
		outcome = Unconfirmed
		text = "it cannot be seen whether maintenance mode is off again: " + f.Text
		left.Next = f.Fix.And(offer("Look with %s.", c.command("maintenance", "status"))).And(v.Next)
	case now:
		left.Next = offer("Turn it off with %s.", c.command("maintenance", "off")).And(v.Next)
	default:
		return v
	}
	if v.Outcome == Succeeded || v.Outcome == Unconfirmed && outcome == Failed {
		left.Outcome = outcome
	}
	left.Summary += " But " + text + "."
	return left
}
