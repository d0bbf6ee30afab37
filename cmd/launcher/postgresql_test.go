//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	rowWorkers  = 4
	rowClients  = 2 * rowWorkers // that ask at once
	rowRequests = 4_000
)

// TestPostgreSQL: each request writes a row and reads it back. Boot has used the database and has left
// the connection open; yet no two processes ever speak on one connection, whether the
// workers last or are replaced by forks under load.
func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		// workers is how many serve at least, sessions how many there may be at once: a worker's
		// last request and the first of its successor overlap.
		workers, sessions int
		boot              int // sessions while it boots: the application's own, a trial's, that of the step records
	}{
		{"lasting", nil, rowWorkers, rowWorkers, 3},
		// Without records nothing but the application's own boot has used the database: the connection
		// lies free in the pool, for the first to take.
		{"replaced", []string{"--max-requests", "100", "--without", "records"}, 20, 2 * rowWorkers, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := startPostgreSQL(t)
			root := copyApp(t, "postgresql")
			if err := runRuby(t, root, "bin/make-tables", p.env()...); err != nil {
				t.Fatal(err)
			}
			setup := p.idle("after the setup")
			in := start(t, startOptions{root: root, env: p.env(),
				args: append([]string{strconv.Itoa(rowWorkers), "--max-private", "off"}, test.args...)}).serving()
			boot := p.idle("after the boot")
			if got := readSessions(p.log()[setup:boot]); len(got.pids) != test.boot {
				t.Errorf("there were the sessions %v while it booted, want %d", got.pids, test.boot)
			}

			rows := &rowLoad{sockets: in.sockets(rowWorkers), pairs: map[rowPair]int{}}
			rows.run(t)
			pairs := rows.check(t, p)
			if test.workers == rowWorkers && len(pairs) != rowWorkers || len(pairs) < test.workers {
				t.Errorf("%d workers have served, want %d", len(pairs), test.workers)
			}
			t.Logf("%d workers have served", len(pairs))
			in.signal(syscall.SIGTERM)
			if status := in.wait(); status != exitOK {
				t.Errorf("exit status %d", status)
			}
			if n := in.count("worker died|slot waits|level=ERROR"); n != 0 {
				t.Errorf("%d lines of trouble in the launcher's log", n)
			}

			p.idle("after the end")
			got, want := readSessions(p.log()[boot:]), slices.Sorted(maps.Values(pairs))
			if slices.Sort(got.pids); !slices.Equal(got.pids, want) {
				t.Errorf("since the boot there were the sessions %v, want one for each worker: %v", got.pids, want)
			}
			if got.most > test.sessions {
				t.Errorf("%d sessions were open at once, want %d at most", got.most, test.sessions)
			}
			if trouble := rowTrouble.FindAllString(p.log(), 5); trouble != nil {
				t.Errorf("PostgreSQL's log:\n%s", strings.Join(trouble, "\n"))
			}
		})
	}
}

// rowTrouble is a line of PostgreSQL's log that says that a client was misunderstood, or
// went in the middle of something.
var rowTrouble = regexp.MustCompile(`.*(WARNING|ERROR|FATAL|PANIC|unexpected|invalid|protocol|could not (send|receive)).*`)

// idle waits until nobody is connected, not the preloader and no worker that has not been asked
// or is gone, and returns how long the log is then. The log has a session before its client hears of it.
func (p *postgreSQL) idle(when string) int {
	p.t.Helper()
	var log string
	waitFor(p.t, "nobody to be connected "+when, func() bool {
		log = p.log()
		return len(readSessions(log).open) == 0
	})
	return len(log)
}

// sessions are those of others than psql in a part of PostgreSQL's log.
type sessions struct {
	pids []int        // of the processes of PostgreSQL
	open map[int]bool // those that have not ended
	most int          // that were open at once
}

var sessionLine = regexp.MustCompile(`(?m)^(\d+) LOG:  (connection authorized|disconnection):.*?(application_name=psql)?$`)

func readSessions(log string) sessions {
	s := sessions{open: map[int]bool{}}
	for _, line := range sessionLine.FindAllStringSubmatch(log, -1) {
		pid, _ := strconv.Atoi(line[1])
		switch {
		case line[2] == "disconnection":
			delete(s.open, pid)
		case line[3] == "":
			s.open[pid] = true
			s.pids = append(s.pids, pid)
			s.most = max(s.most, len(s.open))
		}
	}
	return s
}

// rowPair is a worker and the process of PostgreSQL that has served it.
type rowPair struct{ worker, backend int }

// rowLoad asks for rows over several connections at once.
type rowLoad struct {
	sockets []string

	mu       sync.Mutex
	next     int
	pairs    map[rowPair]int
	failures []string
}

func (l *rowLoad) run(t *testing.T) {
	t.Helper()
	var clients sync.WaitGroup
	for range rowClients {
		clients.Go(func() {
			for n, ok := l.take(); ok; n, ok = l.take() {
				l.row(n)
			}
		})
	}
	clients.Wait()
	if len(l.failures) > 0 {
		t.Errorf("%d requests failed:\n%s", len(l.failures), strings.Join(l.failures[:min(len(l.failures), 5)], "\n"))
	}
}

// take is false when all is asked, or enough has failed.
func (l *rowLoad) take() (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == rowRequests || len(l.failures) >= 20 {
		return 0, false
	}
	l.next++
	return l.next - 1, true
}

// row has one row written and read.
func (l *rowLoad) row(n int) {
	token := fmt.Sprintf("row-%d", n)
	var a answer
	if q, err := enqueue(l.sockets[n%len(l.sockets)], "/rows?token="+token); err != nil {
		a.err = err
	} else {
		a = q.answer()
	}
	var row struct {
		Token                   string
		Worker, Backend, Reader int
	}
	err := json.Unmarshal([]byte(a.body), &row)
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.err != nil || a.status != 200 || err != nil || row.Token != token || row.Backend == 0 || row.Backend != row.Reader {
		l.failures = append(l.failures, token+": "+a.String())
		return
	}
	l.pairs[rowPair{row.Worker, row.Backend}]++
}

// check compares what was answered with what PostgreSQL itself has noted, and returns the
// process of PostgreSQL that each worker had.
func (l *rowLoad) check(t *testing.T, p *postgreSQL) map[int]int {
	t.Helper()
	if got, want := p.ask("SELECT count(*), count(DISTINCT token) FROM rows"), fmt.Sprintf("%d %[1]d", rowRequests); got != want {
		t.Errorf("rows and tokens in the table: %s, want %s", got, want)
	}
	var lines []string
	workers, backends := map[int]int{}, map[int]int{}
	for pair, count := range l.pairs {
		lines = append(lines, fmt.Sprintf("%d %d %d", pair.worker, pair.backend, count))
		if other := backends[pair.backend]; other != 0 {
			t.Errorf("the workers %d and %d have shared the connection to %d", other, pair.worker, pair.backend)
		}
		if other := workers[pair.worker]; other != 0 {
			t.Errorf("worker %d was connected to %d and %d", pair.worker, other, pair.backend)
		}
		workers[pair.worker], backends[pair.backend] = pair.backend, pair.worker
	}
	noted := strings.Split(p.ask("SELECT worker, backend, count(*) FROM rows GROUP BY worker, backend"), "\n")
	slices.Sort(lines)
	slices.Sort(noted)
	if !slices.Equal(lines, noted) {
		t.Errorf("worker, process of PostgreSQL and rows were answered as\n%s\nand are in the table as\n%s",
			strings.Join(lines, "\n"), strings.Join(noted, "\n"))
	}
	return workers
}
