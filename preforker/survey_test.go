package preforker

import (
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"launcher/preforker/proc"
)

// surveyor is a survey of made-up processes: each has as many bytes as its pid. A reading
// takes 10 ms of a made-up time.
type surveyor struct {
	*survey
	tasks sync.WaitGroup

	mu   sync.Mutex
	time time.Time
	pids []int
	gone map[int]bool
	hold map[int]chan struct{} // of a reading that says so here, and then waits for the end of it
}

func newSurveyor() *surveyor {
	s := &surveyor{time: epoch, gone: map[int]bool{}, hold: map[int]chan struct{}{}}
	s.survey = newSurvey(&s.tasks)
	s.survey.now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.time
	}
	s.survey.read = s.reading
	return s
}

func (s *surveyor) reading(pid int) (proc.Usage, error) {
	s.mu.Lock()
	hold := s.hold[pid]
	s.mu.Unlock()
	if hold != nil {
		hold <- struct{}{}
		<-hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = s.time.Add(10 * time.Millisecond)
	s.pids = append(s.pids, pid)
	if s.gone[pid] {
		return proc.Usage{}, errors.New("gone")
	}
	return proc.Usage{PSS: uint64(pid)}, nil
}

// asks checks which pids are known in the answer, and which were read for it.
func (s *surveyor) asks(t *testing.T, patience <-chan time.Time, known, read []int, pids ...int) {
	t.Helper()
	var processes []surveyed
	for _, pid := range pids {
		processes = append(processes, surveyed{pid, 1})
	}
	s.pids = nil
	readings := s.ask(processes, patience)
	var got []int
	for p, r := range readings {
		if r.usage.PSS != uint64(p.pid) {
			t.Errorf("%+v has %d", p, r.usage.PSS)
		}
		got = append(got, p.pid)
	}
	slices.Sort(got)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(got, known) || !slices.Equal(s.pids, read) {
		t.Errorf("asked for %v: known %v, want %v; read %v, want %v", pids, got, known, s.pids, read)
	}
}

func TestSurveyRests(t *testing.T) {
	s := newSurveyor()
	s.asks(t, nil, []int{1, 2, 3}, []int{1, 2, 3}, 1, 2, 3)
	s.asks(t, nil, []int{1, 2, 3}, nil, 1, 2, 3)
	s.asks(t, nil, []int{1, 2, 4}, []int{4}, 1, 2, 4) // who is new is read all the same, and who left is forgotten
	s.time = s.time.Add(surveyShare * 30 * time.Millisecond)
	s.asks(t, nil, []int{1, 2, 4}, []int{1, 2, 4}, 1, 2, 4)
	// One that cannot be read is tried each time, and not for ever.
	s.gone[5] = true
	s.asks(t, nil, []int{1, 4}, []int{5, 5}, 1, 4, 5)
	if _, known := s.ask([]surveyed{{4, 2}}, nil)[surveyed{4, 1}]; known {
		t.Error("a pid that is another worker's by now is known")
	}
	s.tasks.Wait()
}

// TestSurveyDoesNotWait for a reading that hangs, nor starts another one beside it.
func TestSurveyDoesNotWait(t *testing.T) {
	s := newSurveyor()
	hold := make(chan struct{}) // there and back
	s.hold[2] = hold
	over := make(chan time.Time)
	close(over)
	first := make(chan struct{})
	go func() {
		defer close(first)
		s.ask([]surveyed{{1, 1}, {2, 1}}, nil)
	}()
	<-hold
	s.asks(t, over, []int{1}, nil, 1, 2)
	hold <- struct{}{}
	<-first
	s.asks(t, nil, []int{1, 2}, nil, 1, 2)
	s.tasks.Wait()
}

// TestSurveyEnds: who asks at the end of the launcher is told what is known, and begins nothing that nobody waits for.
func TestSurveyEnds(t *testing.T) {
	s := newSurveyor()
	s.asks(t, nil, []int{1}, []int{1}, 1)
	s.close()
	s.tasks.Wait()
	s.asks(t, nil, []int{1}, nil, 1, 2)
}

// TestSurveyHastens where all are known, and not for long.
func TestSurveyHastens(t *testing.T) {
	s := newSurveyor()
	both := []surveyed{{1, 1}, {2, 1}}
	waits := func(what string, want time.Duration) {
		t.Helper()
		if got := s.patience(both); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	waits("nobody is known", surveyPatience)
	s.ask(both[:1], nil)
	waits("one is known", surveyPatience)
	s.ask(both, nil)
	waits("both are", surveyHaste)
	s.time = s.time.Add(surveyFresh + time.Second)
	waits("they were, a while ago", surveyPatience)
	s.tasks.Wait()
}

func TestSurveyOfProcesses(t *testing.T) {
	var tasks sync.WaitGroup
	s := newSurvey(&tasks)
	own := surveyed{pid: os.Getpid()}
	for cpuOf(own.pid) == 0 { // it takes a hundredth of a second
		continue
	}
	read := s.ask([]surveyed{own}, nil)[own]
	if usage := read.usage; usage.PSS == 0 || usage.Private > usage.RSS || read.cpu == 0 || read.cpu > cpuOf(own.pid) || cpuOf(1<<30) != 0 {
		t.Errorf("%+v", read)
	}
	tasks.Wait()
}
