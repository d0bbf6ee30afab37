package wire

import (
	"encoding/json"
	"fmt"

	"launcher/preforker/ident"
)

// Version is spoken by both sides; Ruby's hello carries its own.
const Version = 1

// Type names a message.
type Type string

// What the supervisor says.
const (
	TypeSpawn   Type = "spawn"   // to a preloader, with listener and channel
	TypePrepare Type = "prepare" // to a preloader
	TypeRetire  Type = "retire"  // to a preloader
	TypeDrain   Type = "drain"   // to a worker
	TypeRefork  Type = "refork"  // to a worker, with a control socket
	TypeLend    Type = "lend"    // to a worker, with listeners
	TypeReturn  Type = "return"  // to a worker
	TypeAssign  Type = "assign"  // to a spare, with a listener
	TypeReopen  Type = "reopen"  // to a preloader that has loaded, and to a worker
	TypeLocate  Type = "locate"  // to a worker
)

// What Ruby says.
const (
	TypeHello       Type = "hello"        // whoever loads the application, before it does
	TypeLoaded      Type = "loaded"       // the same
	TypePrepared    Type = "prepared"     // preloader, after TypePrepare
	TypeFailed      Type = "failed"       // preloader or worker; then it exits
	TypeSpawned     Type = "spawned"      // preloader
	TypeSpawnFailed Type = "spawn_failed" // preloader
	TypeReady       Type = "ready"        // worker
	TypeFirst       Type = "first"        // worker of a refork, once
	TypeLeaving     Type = "leaving"      // worker, where nobody has asked it to
	TypeLocated     Type = "located"      // worker, after TypeLocate
	TypeRecycle     Type = "recycle"      // worker, where its application wants another one in its place
	TypeReforked    Type = "reforked"     // worker, over the control socket that it was sent
	TypeNotReforked Type = "not_reforked" // the same
	TypeExamined    Type = "examined"     // doctor
)

// Spawn asks for one worker. Four descriptors come with it: the slot's listener, both ends of its handover
// and the worker's end of its own channel, which alone comes for a spare.
type Spawn struct {
	ident.Key
	Record int `json:"record"` // index of its scoreboard record
	// Probe has it make a request to the application before it says that it is ready: for what, "release" or "refork", or "" for none.
	Probe string `json:"probe,omitempty"`
}

// Prepare has a preloader prepare what keeps memory shared, once it has forked the workers that it was asked for.
type Prepare struct{}

// Retire asks a preloader to leave.
type Retire struct {
	// Last says that no process of its generation is to follow: what the application
	// wants done at exit is done now.
	Last bool `json:"last"`
}

// Refork asks a worker to refork: to fork a preloader, once its request in hand is done. The
// new one's control socket comes with it.
type Refork struct {
	ident.Origin
	// Checked has it refuse where anything in it would not survive the fork.
	Checked bool `json:"checked"`
}

// Drain asks a worker to leave once its request in hand is done. With Backlog it
// serves first what already waits in its socket's queue: nobody else will. With HandOver it hands the connections that it keeps
// for their next request to who serves its slot from then on; otherwise it closes them.
type Drain struct {
	Backlog  bool `json:"backlog"`
	HandOver bool `json:"hand_over"`
}

// Lend has a worker serve the sockets of other slots, too, whose listeners and handovers come with it in this order.
type Lend struct {
	Slots []int `json:"slots"`
}

// Assign gives a spare a slot, whose listener and handover come with it.
type Assign struct {
	Slot int `json:"slot"`
}

// Locate has a worker say where its threads are.
type Locate struct{}

// Return has a worker serve its own socket alone.
type Return struct{}

// Reopen has a process open the logs of the application anew that were moved away, a worker between two requests.
type Reopen struct{}

// Hello is the first packet of a process that loads the application: a preloader, or
// a worker that does without.
type Hello struct {
	Version int    `json:"version"`
	Pid     int    `json:"pid"`
	Ruby    string `json:"ruby"`   // RUBY_VERSION
	Engine  string `json:"engine"` // RUBY_ENGINE
	Fork    bool   `json:"fork"`   // Process.fork works
}

// Loaded says that the application is there: a preloader can fork, a worker is about to serve.
type Loaded struct {
	Pid      int       `json:"pid"`
	Ruby     string    `json:"ruby"`
	Rails    string    `json:"rails"` // "" without Rails
	Rack     string    `json:"rack"`
	Seconds  float64   `json:"seconds"`
	Findings []Finding `json:"findings"` // of a preloader; what a worker loads for itself, no other has
	// Slots of a preloader's Ruby heap that the application's objects take, by their size in bytes.
	Slots map[string]int `json:"slots"`
}

// Prepared follows Loaded where it came before that was prepared: what Loaded tells otherwise.
type Prepared struct {
	Seconds  float64        `json:"seconds"` // that it took
	Findings []Finding      `json:"findings"`
	Slots    map[string]int `json:"slots"`
}

// Severity is how much a finding matters.
type Severity string

// From something that breaks to something that is good to know.
const (
	SeverityHarm Severity = "harm"
	SeverityCost Severity = "cost"
	SeverityNote Severity = "note"
)

// Finding is something that stands in the way of forking, in words for a person. Parts that
// are not known are empty.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind"`   // "thread", "socket", "file", "library", …
	Text     string   `json:"text"`   // what it is
	Where    string   `json:"where"`  // file:line of who made it
	Cost     string   `json:"cost"`   // what it costs or breaks
	Advice   string   `json:"advice"` // what to do
	Frames   []string `json:"frames"` // where a thread is, how a hook failed
}

// KindDeclared is the kind of a finding that the application tells of itself: this process is not
// to be the origin of others.
const KindDeclared = "declared"

// Declared says whether the application says so itself.
func (f Finding) Declared() bool { return f.Kind == KindDeclared }

// Measured is what was read of memory once the application had loaded.
type Measured struct {
	PSS         uint64 `json:"pss"` // bytes
	LiveSlots   uint64 `json:"live_slots"`
	FreeSlots   uint64 `json:"free_slots"`
	ForkPrivate uint64 `json:"fork_private"` // bytes of a fork's own, before it did anything
}

// Examined follows loaded where a doctor was asked.
type Examined struct {
	Findings []Finding `json:"findings"`
	Measured Measured  `json:"measured"`
}

// Failure is an exception, the application's own frames apart from the others.
type Failure struct {
	Class     string   `json:"class"`
	Message   string   `json:"message"`
	AppFrames []string `json:"app_frames"`
	Backtrace []string `json:"backtrace"`
}

// Failed is the last packet of a Ruby process that cannot go on.
type Failed struct {
	Stage string  `json:"stage"` // what it was doing: "load", "before_fork", "after_fork", …
	Error Failure `json:"error"`
}

// Spawned tells the pid of a worker, after the process between it and the
// preloader has gone: from here on the supervisor is its parent.
type Spawned struct {
	ident.Key
	Pid int `json:"pid"`
}

// SpawnFailed says that the fork did not happen.
type SpawnFailed struct {
	ident.Key
	Error Failure `json:"error"`
}

// Ready says that a worker accepts from now on; without a slot, that a spare is prepared.
type Ready struct {
	ident.Key
	Pid int `json:"pid"`
}

// First tells how a worker's first request went.
type First struct {
	ident.Key
	Status  int    `json:"status"` // 0: the response was not finished
	Request string `json:"request"`
}

// Leaving says that a worker serves no more, and that it was not asked to leave.
type Leaving struct {
	ident.Key
	Served uint64 `json:"served"` // requests
}

// Located says where the threads of a worker are, the one that serves first.
type Located struct {
	ident.Key
	Threads []Thread `json:"threads"`
}

// Thread is where a thread of Ruby's is.
type Thread struct {
	Name    string   `json:"name"`
	State   string   `json:"state"` // "run", "sleep", …
	Frames  []string `json:"frames"`
	LeftOut int      `json:"left_out"` // frames that are not told
}

// Recycle asks for another worker in the place of this one, as soon as that can be.
type Recycle struct {
	ident.Key
	Reason string `json:"reason"` // of the application
}

// Reforked tells the pid of a preloader that a worker has forked, after the process
// between the two has gone. What else there is to know it says itself.
type Reforked struct {
	ident.Origin
	Pid int `json:"pid"`
}

// NotReforked says why a worker did not: what it found in itself, or an error.
type NotReforked struct {
	ident.Origin
	Findings []Finding `json:"findings"`
	Error    *Failure  `json:"error"`
}

// Encode makes the packet of a supervisor's message.
func Encode(message any) ([]byte, error) {
	var kind Type
	switch message.(type) {
	case Spawn:
		kind = TypeSpawn
	case Prepare:
		kind = TypePrepare
	case Retire:
		kind = TypeRetire
	case Drain:
		kind = TypeDrain
	case Refork:
		kind = TypeRefork
	case Lend:
		kind = TypeLend
	case Return:
		kind = TypeReturn
	case Assign:
		kind = TypeAssign
	case Reopen:
		kind = TypeReopen
	case Locate:
		kind = TypeLocate
	default:
		return nil, fmt.Errorf("encode message: %T is not the supervisor's to send", message)
	}
	body, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	head := fmt.Sprintf(`{"type":%q`, kind)
	if len(body) > len("{}") {
		head += ","
	}
	return append([]byte(head), body[1:]...), nil
}

// Decode reads a packet of a Ruby process. The result is one of Hello, Loaded,
// Prepared, Failed, Spawned, SpawnFailed, Ready, First, Leaving, Located, Recycle, Reforked, NotReforked and Examined.
func Decode(packet []byte) (any, error) {
	var head struct {
		Type Type `json:"type"`
	}
	if err := json.Unmarshal(packet, &head); err != nil {
		return nil, fmt.Errorf("decode message: %w", err)
	}
	switch head.Type {
	case TypeHello:
		return decode[Hello](head.Type, packet)
	case TypeLoaded:
		return decode[Loaded](head.Type, packet)
	case TypePrepared:
		return decode[Prepared](head.Type, packet)
	case TypeFailed:
		return decode[Failed](head.Type, packet)
	case TypeSpawned:
		return decode[Spawned](head.Type, packet)
	case TypeSpawnFailed:
		return decode[SpawnFailed](head.Type, packet)
	case TypeReady:
		return decode[Ready](head.Type, packet)
	case TypeFirst:
		return decode[First](head.Type, packet)
	case TypeLeaving:
		return decode[Leaving](head.Type, packet)
	case TypeLocated:
		return decode[Located](head.Type, packet)
	case TypeRecycle:
		return decode[Recycle](head.Type, packet)
	case TypeReforked:
		return decode[Reforked](head.Type, packet)
	case TypeNotReforked:
		return decode[NotReforked](head.Type, packet)
	case TypeExamined:
		return decode[Examined](head.Type, packet)
	default:
		return nil, fmt.Errorf("decode message: unknown type %q", head.Type)
	}
}

func decode[M any](kind Type, packet []byte) (any, error) {
	var message M
	if err := json.Unmarshal(packet, &message); err != nil {
		return nil, fmt.Errorf("decode %s: %w", kind, err)
	}
	return message, nil
}
