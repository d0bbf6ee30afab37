package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Suite is how cases are run.
type Suite struct {
	Target
	// Timeout bounds what comes at once of a responder that lives: 10 s by default.
	Timeout time.Duration
	// Deadline bounds what comes when a time limit of the responder's own has passed: 75 s by default.
	Deadline time.Duration
	// Echo says that the responder runs the probe application.
	Echo bool
	// Report, where set, is called with each result as soon as there is one.
	Report func(Result)
}

// The defaults of the bounds. Responders have time limits of a minute.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultDeadline = 75 * time.Second
)

// Errors that keep a suite from running.
var (
	// ErrNoAnswer says that not even a plain request is answered.
	ErrNoAnswer = errors.New("the responder does not answer a plain request")
	// ErrUnreachable says that nobody listens at the responder's address, or that it cannot be connected to.
	ErrUnreachable = errors.New("no connection")
	// ErrNoProbe says that the application is not the probe application.
	ErrNoProbe = errors.New("the application is not the probe application")
)

// session is a suite that runs.
type session struct {
	Suite
	ctx     context.Context
	plain   int
	process string // that has served the last plain request; "" where the application does not tell, or there are several
}

// Run runs cases one after the other, and returns what came of each. It ends early where the context ends, with
// the results so far, or where the responder does not come back.
func (s Suite) Run(ctx context.Context, cases []Case) ([]Result, error) {
	if s.Timeout <= 0 {
		s.Timeout = DefaultTimeout
	}
	if s.Deadline <= 0 {
		s.Deadline = DefaultDeadline
	}
	running := &session{Suite: s, ctx: ctx}
	if err := running.begin(); err != nil {
		return nil, err
	}
	var results []Result
	gone := false
	for _, c := range cases {
		r := Result{Case: c, Outcome: Skipped, Got: "not run: the responder has not come back"}
		if !gone {
			r = running.one(c)
			gone = !running.lives(&r)
			if ctx.Err() != nil { // which no responder is to blame for
				return results, fmt.Errorf("run case %s: %w", c.ID, context.Cause(ctx))
			}
		}
		results = append(results, r)
		if s.Report != nil {
			s.Report(r)
		}
	}
	return results, nil
}

// begin makes a plain request, by which later ones are judged.
func (s *session) begin() error {
	r := s.ask()
	switch {
	case s.ctx.Err() != nil:
		return fmt.Errorf("begin: %w", context.Cause(s.ctx))
	case r.is(unreachable):
		return fmt.Errorf("begin: %w: %s", ErrUnreachable, r.reason())
	case !r.is(served):
		return fmt.Errorf("begin: %w: %s", ErrNoAnswer, r)
	}
	s.plain = r.status()
	s.process = process(r)
	if s.Echo && s.process == "" {
		return fmt.Errorf("begin: %w: its response has no header %s", ErrNoProbe, processHeader)
	}
	for range sameProcess {
		if process(s.ask()) != s.process {
			s.process = "" // one of several, so a change says nothing
		}
	}
	return nil
}

// sameProcess is how many plain requests have to be served by one process, for it to be the only one.
const sameProcess = 3

func process(r *reply) string {
	header, _ := r.header()
	return header.Get(processHeader)
}

func (s *session) attempt() *attempt {
	return &attempt{ctx: s.ctx, target: s.Target, timeout: s.Timeout, deadline: s.Deadline, echo: s.Echo, plain: s.plain}
}

// ask makes a plain request on a connection of its own.
func (s *session) ask() *reply {
	a := s.attempt()
	defer a.close()
	return a.open().send(a.get(0)).reply(id)
}

func (s *session) one(c Case) Result {
	result := Result{Case: c}
	began := time.Now()
	v := s.judge(c)
	result.Outcome, result.Got, result.Seconds = v.outcome, v.got, time.Since(began).Seconds()
	return result
}

func (s *session) judge(c Case) verdict {
	if c.Needs != "" && !s.Echo {
		return skipped("needs the probe application: " + string(c.Needs))
	}
	a := s.attempt()
	defer a.close()
	return c.run(a)
}

// lives asks whether the responder serves, and waits for it where it does not. A case after which it does not has
// failed. It returns whether further cases can be run.
func (s *session) lives(r *Result) bool {
	began := time.Now()
	first := s.ask()
	last := first
	for ; !last.is(served); last = s.ask() {
		if time.Since(began) > s.Deadline || s.ctx.Err() != nil {
			r.Outcome, r.Got = Failed, r.Got+"; "+ill(first)+", and is not back"
			return false
		}
		s.attempt().pause(20 * time.Millisecond)
	}
	if !first.is(served) {
		r.Outcome, r.Got = Failed, fmt.Sprintf("%s; %s, and was back after %.1f s", r.Got, ill(first), time.Since(began).Seconds())
	}
	now := process(last)
	if s.process != "" && now != s.process {
		if first.is(served) {
			r.Got += fmt.Sprintf("; %s %s %s %s", processWas, s.process, processIs, now)
		}
		s.process = now
	}
	return true
}

// What is told where another process serves than before. It is no failure: a supervisor may have replaced it in order.
const (
	processWas = "the process was"
	processIs  = "and is now"
)

// ill says what is wrong with a responder by its reply to a plain request.
func ill(r *reply) string {
	switch {
	case r.is(unreachable | closed | cut):
		return "the responder died (" + r.String() + ")"
	case r.is(silent):
		return "the responder hung"
	default:
		return "the responder served no plain request any more (" + r.String() + ")"
	}
}
