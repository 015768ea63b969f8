package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"alsbot/bot"
	"alsbot/jobs"
)

// groupsOf answers look-ups of groups as a test says, after delay.
type groupsOf struct {
	mu    sync.Mutex
	of    map[string][]string
	asked int
	delay time.Duration
	err   error
}

func (g *groupsOf) fetch(ctx context.Context, group string) ([]string, error) {
	g.mu.Lock()
	g.asked++
	users, err, delay := slices.Clone(g.of[group]), g.err, g.delay
	g.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return users, err
}

func (g *groupsOf) set(change func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change()
}

func (g *groupsOf) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// A press of somebody without rights costs no look-up for five minutes; one of
// an approver is looked up each time.
func TestANoIsCachedAtAPressAndAYesIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupsOf{of: map[string][]string{"S1": {"U0BOB"}}}
		c := bot.MemberCache(g.fetch)
		press := func(user string, want bool, asked int) {
			t.Helper()
			got, err := c.InGroup(t.Context(), user, "S1", jobs.FreshYes)
			if err != nil || got != want || g.count() != asked {
				t.Errorf("%s: %v, %v; Slack was asked %d times, not %d", user, got, err, g.count(), asked)
			}
		}
		press("U0EVE", false, 1)
		for range 1000 {
			press("U0EVE", false, 1)
		}
		press("U0BOB", true, 2)
		press("U0BOB", true, 3)
		g.set(func() { g.of["S1"] = []string{"U0CAT"} })
		press("U0BOB", false, 4) // the right was lost a moment ago
		press("U0BOB", false, 4)
		press("U0CAT", true, 5)
		time.Sleep(6 * time.Minute)
		press("U0EVE", false, 6)
	})
}

// Look-ups at the same time are shared, and none that wants it now gets an
// answer from before.
func TestFreshLookUpsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupsOf{of: map[string][]string{"S1": {"U0BOB"}}, delay: 100 * time.Millisecond}
		c := bot.MemberCache(g.fetch)
		var wg sync.WaitGroup
		look := func(want bool) {
			wg.Go(func() {
				if got, err := c.InGroup(t.Context(), "U0BOB", "S1", jobs.Fresh); err != nil || got != want {
					t.Errorf("%v, %v, not %v", got, err, want)
				}
			})
		}
		look(true)
		time.Sleep(50 * time.Millisecond)
		g.set(func() { g.of["S1"] = nil })
		for range 50 {
			look(false)
		}
		wg.Wait()
		if g.count() != 2 {
			t.Errorf("Slack was asked %d times", g.count())
		}
	})
}

// While Slack fails, people without rights cause at most five look-ups a minute
// after the first one. Approvers are looked up all the same.
func TestLookUpsForPeopleWithoutRightsHaveABudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupsOf{of: map[string][]string{"S1": {"U0BOB"}}}
		c := bot.MemberCache(g.fetch)
		if ok, err := c.InGroup(t.Context(), "U0BOB", "S1", jobs.FreshYes); err != nil || !ok {
			t.Fatal(ok, err)
		}
		time.Sleep(6 * time.Minute)
		g.set(func() { g.err, g.asked = errors.New("503"), 0 })
		for range 4 * 60 { // four a second for a minute
			if ok, err := c.InGroup(t.Context(), "U0EVE", "S1", jobs.FreshYes); err == nil || ok {
				t.Fatal("without an answer of Slack:", ok, err)
			}
			time.Sleep(time.Second / 4)
		}
		if n := g.count(); n < 5 || n > 10 { // a burst of five, and five a minute
			t.Errorf("Slack was asked %d times", n)
		}
		g.set(func() { g.err = nil })
		if ok, err := c.InGroup(t.Context(), "U0BOB", "S1", jobs.FreshYes); err != nil || !ok {
			t.Errorf("the approver is blocked: %v, %v", ok, err)
		}
	})
}

// A look-up for somebody without rights that hangs delays no approver's.
func TestAHungLookUpDelaysNoApprover(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupsOf{of: map[string][]string{"S1": {"U0BOB"}}}
		c := bot.MemberCache(g.fetch)
		if _, err := c.InGroup(t.Context(), "U0BOB", "S1", jobs.Cached); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Minute)
		g.set(func() { g.delay = time.Hour })
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = c.InGroup(t.Context(), "U0EVE", "S1", jobs.FreshYes) })
		}
		synctest.Wait()
		g.set(func() { g.delay = 0 })
		began := time.Now()
		if ok, err := c.InGroup(t.Context(), "U0BOB", "S1", jobs.FreshYes); err != nil || !ok || time.Since(began) > 0 {
			t.Errorf("the approver waits: %v, %v, after %s", ok, err, time.Since(began))
		}
		wg.Wait()
	})
}

// Many groups, none of them looked up before: nobody is blocked by others.
func TestTheFirstLookUpOfAGroupIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := &groupsOf{of: map[string][]string{"S9": {"U0BOB"}}}
		c := bot.MemberCache(g.fetch)
		for _, group := range []string{"S1", "S2", "S3", "S4", "S5", "S6", "S7"} {
			if _, err := c.InGroup(t.Context(), "U0EVE", group, jobs.FreshYes); err != nil {
				t.Errorf("%s: %v", group, err)
			}
		}
		if ok, err := c.InGroup(t.Context(), "U0BOB", "S9", jobs.FreshYes); err != nil || !ok {
			t.Errorf("the approver is blocked: %v, %v", ok, err)
		}
	})
}

// users.info has a limit of its own, and full members who are known don't count.
func TestLookUpsOfPeopleHaveALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := bot.PeopleCache(func(_ context.Context, user string) (jobs.Person, error) {
			asked++
			if user == "U0BOB" || user == "U0CAT" {
				return jobs.Person{Standing: jobs.FullMember}, nil
			}
			return jobs.Person{Standing: jobs.Stranger}, nil
		})
		if p, err := c.Person(t.Context(), "U0BOB", false, jobs.Cached); err != nil || !p.Standing.Counts() {
			t.Fatal(p, err)
		}
		asked = 0
		for i := range 600 {
			_, _ = c.Person(t.Context(), "U0EVE"+string(rune('A'+i/26))+string(rune('A'+i%26)), false, jobs.FreshYes)
			time.Sleep(100 * time.Millisecond)
		}
		if asked < 60 || asked > 91 {
			t.Errorf("Slack was asked %d times in a minute", asked)
		}
		if p, err := c.Person(t.Context(), "U0BOB", false, jobs.FreshYes); err != nil || !p.Standing.Counts() {
			t.Errorf("the approver is blocked: %+v, %v", p, err)
		}
		if p, err := c.Person(t.Context(), "U0CAT", true, jobs.FreshYes); err != nil || !p.Standing.Counts() {
			t.Errorf("an approver who presses for the first time is blocked: %+v, %v", p, err)
		}
	})
}

// One person's presses are limited, and the person is told; those of others go
// on.
func TestOnePersonsPressesAreLimited(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		s.setOpenRequest()
		s.waitAllSent()
		m := s.ws.Messages(approve)[0]
		for range 24 {
			if _, err := s.ws.PressOld(s.ctx, ann, m, "Approve"); err != nil {
				t.Fatal(err)
			}
		}
		said := func() (n int) {
			for _, m := range s.ws.Ephemerals(ann, approve) {
				if m.Text() == "⚠️ You press buttons more often than alsbot can look rights up in Slack, so this press was not counted. Nothing has changed. Wait a minute, then press again." {
					n++
				}
			}
			return n
		}
		s.until("the person is told", func() bool { return said() > 0 })
		if _, err := s.ws.PressOld(s.ctx, ben, m, "Approve"); err != nil {
			t.Fatal(err)
		}
		s.until("the other's press counts", func() bool { return slices.Contains(s.engine.presses(), "r1 true "+ben) })
		if n := len(s.engine.presses()) - 1; n < 20 || n > 22 || said() != 1 {
			t.Errorf("%d presses counted, told %d times", n, said())
		}
	})
}

// One person's mentions are limited: the answer to each is a message in the
// channel, and Slack lets no other through when it has had too many.
func TestOnePersonsMentionsAreLimited(t *testing.T) {
	t.Parallel()
	bothModes(t, func(t *testing.T, s *stage) {
		for i := range 30 {
			if _, err := s.ws.Say(s.ctx, ann, prod, fmt.Sprintf("@alsbot runs %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		s.toldPrivately(ann, "You mention alsbot more often than it can answer")
		if _, err := s.ws.Say(s.ctx, ben, prod, "@alsbot whoami"); err != nil {
			t.Fatal(err)
		}
		s.until("the other is heard", func() bool {
			return slices.ContainsFunc(s.engine.asks(), func(a jobs.Ask) bool { return a.By.ID == ben })
		})
		if n, told := len(s.engine.asks())-1, len(s.ws.Ephemerals(ann, prod)); n < 20 || n > 26 || told > 3 {
			t.Errorf("%d mentions counted, told %d times", n, told)
		}
	})
}
