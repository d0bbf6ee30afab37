package preforker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"launcher/preforker/proc"
)

const (
	// surveyPatience is how long an answer waits for the memory of all processes. A reading takes 1 ms:
	// where there are hundreds, the rest is known the next time.
	surveyPatience = 100 * time.Millisecond
	// surveyHaste is that where all were read within the last surveyFresh: who asks again and again is not to wait for
	// hundreds of them each time.
	surveyHaste = 10 * time.Millisecond
	surveyFresh = 15 * time.Second
	// surveyShare bounds what they cost who ask all the time: readings that took 10 ms are
	// followed by 100 ms of rest at least, in which the last ones are answered. Only who is new
	// is read at once: that costs less than the fork that made it.
	surveyShare = 10
)

// surveyed names a process that has memory of interest. The serial tells a worker from one that
// had its pid before.
type surveyed struct{ pid, serial int }

// reading is what a process has had at a moment.
type reading struct {
	usage proc.Usage
	cpu   time.Duration // 0: not known
	at    time.Time
}

// survey reads the memory of processes for all who ask for it. One goroutine at a time reads; it
// reads all, also when nobody waits for it any more.
type survey struct {
	read  func(pid int) (proc.Usage, error)
	cpu   func(pid int) time.Duration
	now   func() time.Time
	tasks *sync.WaitGroup

	mu       sync.Mutex
	readings map[surveyed]reading
	pass     chan struct{} // closed when the one under way has ended; nil: none is
	rest     time.Time     // no other one before
	closed   bool
}

func newSurvey(tasks *sync.WaitGroup) *survey {
	return &survey{read: proc.Of, cpu: cpuOf, now: time.Now, tasks: tasks, readings: map[surveyed]reading{}}
}

// cpuOf is 0 for a process that is gone.
func cpuOf(pid int) time.Duration {
	process, _ := proc.ProcessOf(pid)
	return process.CPU
}

// patience is how long an answer about these processes waits.
func (s *survey) patience(processes []surveyed) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for _, p := range processes {
		if r, known := s.readings[p]; !known || now.Sub(r.at) > surveyFresh {
			return surveyPatience
		}
	}
	return surveyHaste
}

// close has nothing read from now on, so that tasks can be waited for: whoever asks is told what is known.
func (s *survey) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// ask returns what is known of these processes when they have been read, or patience has ended.
func (s *survey) ask(processes []surveyed, patience <-chan time.Time) map[surveyed]reading {
	for range 2 { // a pass that is under way may not know all of them
		pass := s.begin(processes)
		if pass == nil {
			break
		}
		select {
		case <-pass:
			continue
		case <-patience:
		}
		break
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.readings)
}

// begin returns the pass under way, or a new one, or nil where nothing is to be read now: there is
// a rest, and everybody is known, or the end has come.
func (s *survey) begin(processes []surveyed) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pass != nil {
		return s.pass
	}
	if s.closed {
		return nil
	}
	todo := processes
	if s.now().Before(s.rest) {
		todo = slices.DeleteFunc(slices.Clone(processes), func(p surveyed) bool {
			_, known := s.readings[p]
			return known
		})
	}
	if len(todo) == 0 {
		return nil
	}
	pass := make(chan struct{})
	s.pass = pass
	s.tasks.Go(func() {
		began := s.now()
		s.readAll(todo)
		s.end(processes, began)
		close(pass)
	})
	return pass
}

// readAll replaces the readings one by one.
func (s *survey) readAll(processes []surveyed) {
	for _, p := range processes {
		usage, err := s.read(p.pid)
		cpu := s.cpu(p.pid)
		s.mu.Lock()
		if err == nil {
			s.readings[p] = reading{usage, cpu, s.now()}
		} else { // it has ended meanwhile
			delete(s.readings, p)
		}
		s.mu.Unlock()
	}
}

// end forgets who is not there any more, and begins the rest.
func (s *survey) end(processes []surveyed, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pass = nil
	maps.DeleteFunc(s.readings, func(p surveyed, _ reading) bool { return !slices.Contains(processes, p) })
	now := s.now()
	throttle := proc.Throttle{Share: surveyShare}
	if rest := now.Add(throttle.Rest(now.Sub(began))); rest.After(s.rest) {
		s.rest = rest
	}
}
