package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/slack-go/slack"

	"alsbot/config"
	"alsbot/jobs"
)

// Client calls Slack: the Web API and the response URLs that Slack hands out.
// It is safe for concurrent use.
type Client struct {
	api            *slack.Client // for calls that must not be repeated blindly: it retries nothing
	lookups        *slack.Client // for look-ups: it retries until the caller's context ends
	sockets        *slack.Client // for opening sockets
	web            *http.Client  // for response URLs: it follows no redirect
	base           *url.URL
	cfg            config.Slack
	log            *slog.Logger
	cleaner        cleaner
	pauses         pauses
	members        *lookups[[]string]
	people         *lookups[jobs.Person]
	self           atomic.Pointer[slack.AuthTestResponse]
	identifiedOnce chan struct{} // closed when self is set
}

const (
	callLimit     = 20 * time.Second // one call of the Web API
	uploadLimit   = 10 * time.Minute // one upload
	identifyLimit = time.Second      // for deliveries that arrive before Slack has said which workspace the bot belongs to
)

// Dial returns a client for the workspace in cfg. It sends nothing yet. The
// client masks cfg's secrets, and those in secrets, in every text that it
// sends.
func Dial(cfg config.Slack, log *slog.Logger, secrets ...config.Secret) (*Client, error) {
	base, err := url.Parse(cfg.APIURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") {
		return nil, fmt.Errorf("slack.api_url %q is not an http or https address; Slack's own is https://slack.com/api/", cfg.APIURL)
	}
	known := []string{cfg.AppToken.Reveal(), cfg.BotToken.Reveal(), cfg.SigningSecret.Reveal()}
	for _, s := range secrets {
		known = append(known, s.Reveal())
	}
	c := &Client{
		base:           base,
		cfg:            cfg,
		log:            log,
		cleaner:        newCleaner(known...),
		identifiedOnce: make(chan struct{}),
	}
	hc := &http.Client{Transport: transport(), CheckRedirect: noRedirects}
	c.web = &http.Client{Transport: transport(), CheckRedirect: noRedirects, Timeout: callLimit}
	retry := slack.DefaultRetryConfig()
	retry.Handlers = append(slack.AllBuiltinRetryHandlers(retry), slack.NewServerErrorRetryHandler(retry))
	c.api = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc))
	c.lookups = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc), slack.OptionRetryConfig(retry))
	c.sockets = slack.New(cfg.BotToken.Reveal(), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(hc), slack.OptionAppLevelToken(cfg.AppToken.Reveal()))
	c.members, c.people = newMembers(c.fetchMembers), newPeople(c.fetchPerson)
	return c, nil
}

// transport returns a transport that limits each single wait. The caller's
// context limits the whole call.
func transport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   16,
	}
}

// noRedirects stops the client at a redirect: Slack's API has none, and no
// answer may send the token elsewhere.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// identify asks Slack who the bot is until Slack answers, waiting longer after
// each failure.
func (c *Client) identify(ctx context.Context, wait time.Duration, report func(error)) {
	for {
		err := c.whoAmI(ctx)
		report(err)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.log.Warn("asking Slack who the bot is", "error", err)
		if !pause(ctx, wait) {
			return
		}
		wait = min(wait*2, retryMax)
	}
}

func (c *Client) whoAmI(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	self, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return fmt.Errorf("asking Slack who the bot is: %w", explain(err))
	}
	if c.self.Swap(self) == nil {
		close(c.identifiedOnce)
	}
	return nil
}

// identified reports whether Slack has said who the bot is. During a start it
// waits for that, for less time than Slack waits for an acknowledgement.
func (c *Client) identified(ctx context.Context) bool {
	t := time.NewTimer(identifyLimit)
	defer t.Stop()
	select {
	case <-c.identifiedOnce:
	case <-t.C:
	case <-ctx.Done():
	}
	return c.self.Load() != nil
}

// isOwnWorkspace reports whether a delivery comes from the bot's own workspace.
// Before Slack has said which one that is, it reports false.
func (c *Client) isOwnWorkspace(team, enterprise string) bool {
	self := c.self.Load()
	switch {
	case self == nil:
		return false
	case self.TeamID != "" && team == self.TeamID:
		return true
	}
	return c.isOwnOrganization(enterprise) && (team == "" || self.TeamID == "")
}

// isOwnOrganization reports whether an organization is the one that the bot's
// workspace belongs to.
func (c *Client) isOwnOrganization(enterprise string) bool {
	self := c.self.Load()
	return self != nil && self.EnterpriseID != "" && enterprise == self.EnterpriseID
}

// botUser returns the bot's user ID, "" before Slack has said it.
func (c *Client) botUser() string {
	if self := c.self.Load(); self != nil {
		return self.UserID
	}
	return ""
}

// explain adds the meaning of Slack's error code to err.
func explain(err error) error {
	var e slack.SlackErrorResponse
	if errors.As(err, &e) {
		return fmt.Errorf("%s (%w)", codeAdvice(e.Err), err)
	}
	return err
}

// pause waits for d. It returns false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
