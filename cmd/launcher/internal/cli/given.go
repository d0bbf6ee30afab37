//go:build linux

package cli

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"launcher/cmd/launcher/internal/systemd"
	"launcher/preforker"
	"launcher/preforker/linux"
	"launcher/preforker/sockets"
)

// Names of the sockets that this process may be started with. Those that begin with kept- are from a launcher before this one.
var givenName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(kept-)?(?:slot-(\d{1,4})|(http))$`) })

const (
	keptHTTP      = "kept-http"
	givenHTTPName = "http"
)

// givenSockets are the listening sockets that this process was started with.
type givenSockets struct {
	slots map[int]sockets.Given
	http  []givenHTTP
	spare []string // names of kept ones that nobody has a use for
}

// givenHTTP is one for HTTP.
type givenHTTP struct {
	socket *os.File
	at     string
	kept   bool
}

// takeGiven sorts them by their names, for so many workers.
func takeGiven(workers int) (*givenSockets, error) {
	given := &givenSockets{slots: map[int]sockets.Given{}}
	others := 0
	for _, file := range systemd.Passed() {
		match := givenName().FindStringSubmatch(file.Name())
		if match == nil {
			return nil, usageErrorf("FileDescriptorName=slot-0 and so on in units of sockets, and http for HTTP; launcher systemd --socket prints them",
				"take the sockets that this process was started with: nothing is known of one called %q", file.Name())
		}
		at, err := linux.ListeningAt(file)
		kept := match[1] != ""
		if err != nil && !kept {
			return nil, usageErrorf("ListenStream= in its unit, and Accept=no", "take the socket %s: it %w", file.Name(), err)
		}
		if match[3] != "" {
			given.http = append(given.http, givenHTTP{file, at, kept})
			continue
		}
		slot, _ := strconv.Atoi(match[2])
		_, twice := given.slots[slot]
		switch {
		case kept && (err != nil || twice):
			_ = file.Close()
			given.spare = append(given.spare, file.Name())
			continue
		case twice && !given.slots[slot].Kept:
			return nil, usageErrorf("give each socket a name of its own", "take the socket %s: there are two of them", file.Name())
		case slot >= workers && !kept:
			return nil, usageErrorf("launcher "+strconv.Itoa(slot+1), "take the socket %s: the launcher is to have %s", file.Name(), counted(workers, "worker", "workers"))
		}
		if !kept {
			others++
		}
		given.slots[slot] = sockets.Given{Socket: file, Kept: kept}
	}
	for slot := 0; others > 0 && slot < workers; slot++ {
		if one, is := given.slots[slot]; !is || one.Kept {
			return nil, usageErrorf("have a unit of a socket for each worker: launcher systemd --socket",
				"take the sockets that this process was started with: slot-%d is missing, of %s", slot, counted(workers, "worker", "workers"))
		}
	}
	return given, nil
}

// dropSpare has nobody keep sockets that nobody has a use for.
func (g *givenSockets) dropSpare(keeper preforker.Keeper) {
	for _, name := range g.spare {
		keeper.Drop(name)
	}
}

// takeHTTP returns the socket of an address, nil where there is none.
func (g *givenSockets) takeHTTP(address httpAddress) *givenHTTP {
	i := slices.IndexFunc(g.http, func(one givenHTTP) bool { return address.isAt(one.at) && one.isFound() })
	if i < 0 {
		return nil
	}
	found := g.http[i]
	g.http = slices.Delete(g.http, i, i+1)
	return &found
}

// isFound says whether it can be connected to: the file of one that was kept may be gone.
func (g givenHTTP) isFound() bool {
	if !g.kept || !filepath.IsAbs(g.at) {
		return true
	}
	_, listening, err := linux.SocketPeer(g.at)
	return listening && err == nil
}

// bound are the addresses of the sockets for HTTP that somebody else has bound and no option has named.
func (g *givenSockets) bound(named []httpAddress) (addresses []httpAddress) {
	for _, one := range g.http {
		if one.kept || slices.ContainsFunc(named, func(address httpAddress) bool { return address.isAt(one.at) }) {
			continue
		}
		network := "tcp"
		if filepath.IsAbs(one.at) {
			network = "unix"
		}
		addresses = append(addresses, httpAddress{network: network, address: one.at})
	}
	return addresses
}

// closeRest closes kept sockets that nobody has a use for, and says whether there was any.
func (g *givenSockets) closeRest() (any bool) {
	for _, one := range g.http {
		_ = one.socket.Close()
		any = true
	}
	g.http = nil
	return any
}

// isAt says whether a socket that listens somewhere is one of this address.
func (a httpAddress) isAt(place string) bool {
	if a.network == "unix" {
		return filepath.Clean(place) == filepath.Clean(a.address)
	}
	have, err := netip.ParseAddrPort(place)
	if err != nil {
		return false
	}
	want, err := net.ResolveTCPAddr("tcp", a.address)
	if err != nil || want.Port != int(have.Port()) {
		return false
	}
	ip, _ := netip.AddrFromSlice(want.IP)
	anywhere := !ip.IsValid() || ip.IsUnspecified()
	return anywhere && have.Addr().IsUnspecified() || ip.Unmap() == have.Addr().Unmap()
}
