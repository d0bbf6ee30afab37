//go:build linux

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"launcher/preforker/hint"
	"launcher/preforker/linux"
)

// Names of the options that say who the launcher runs as.
const (
	optUser      = "user"
	optGroup     = "group"
	optAllowRoot = "allow-root"
)

func userFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: optUser, EnvVars: env(optUser),
			Usage: "as root: become this `USER`, or USER:GROUP, once the addresses of --http are bound, for good", DefaultText: "refuse to run as root"},
		&cli.StringFlag{Name: optGroup, EnvVars: env(optGroup), Usage: "with --user: its `GROUP`", DefaultText: "the user's"},
		&cli.BoolFlag{Name: optAllowRoot, EnvVars: env(optAllowRoot), Usage: "run as root, with the application"},
	}
}

// account is the user that the launcher becomes.
type account struct {
	name     string
	uid, gid int
	groups   []int // all of them
	home     string
}

// readAccount returns the user that the options name, nil where this process stays what it is.
func readAccount(ctx *cli.Context) (*account, error) {
	name, group, given := strings.Cut(ctx.String(optUser), ":")
	if more := ctx.String(optGroup); more != "" {
		if given && more != group {
			return nil, usageErrorf("name one group", "read --%s: --%s names the group %s", optGroup, optUser, group)
		}
		group = more
	}
	root := os.Geteuid() == 0
	switch {
	case name == "" && group != "":
		return nil, usageErrorf("--user NAME --group "+group, "read --%s: a group alone leaves all rights to root; name the user too", optGroup)
	case name == "" && root && !ctx.Bool(optAllowRoot):
		return nil, usageErrorf("launcher --user www-data NUM, which becomes that user once ports are bound; or, where root is meant, as in a container, --allow-root (LAUNCHER_ALLOW_ROOT=1)",
			"run as root: the application would have all rights on this machine")
	case name == "":
		return nil, nil
	}
	a, err := findAccount(name, group)
	switch {
	case err != nil:
		return nil, err
	case !root && (a.uid != os.Geteuid() || group != "" && a.gid != os.Getegid()):
		return nil, usageErrorf("run it as root, or as "+a.name, "read --%s: only root can become another user", optUser)
	case !root || a.uid == 0:
		return nil, nil
	}
	return a, nil
}

// asRoot is what to warn of where a command runs the application as who calls it.
func asRoot(command string) []string {
	if command != "doctor" && command != "experiment" || os.Geteuid() != 0 || os.Getenv(env(optAllowRoot)[0]) != "" {
		return nil
	}
	return []string{"the application is run as root; run this as the user of the site (sudo -u deploy launcher …), whose rights and files it then has"}
}

// findAccount looks a user up, and a group where one is named, by names or numbers.
func findAccount(name, group string) (*account, error) {
	found, err := user.Lookup(name)
	if id, number := strconv.Atoi(name); err != nil && number == nil && id >= 0 {
		if found, err = user.LookupId(name); err != nil { // of a container, perhaps
			found, err = &user.User{Uid: name, Gid: name, Username: name, HomeDir: "/"}, nil
		}
	}
	if err != nil {
		return nil, readers{
			func() error { return usageErrorf("--user www-data", "read --%s: %v", optUser, err) },
			func() (err error) {
				if group != "" {
					_, err = groupID(optGroup, group)
				}
				return err
			},
		}.all()
	}
	a := &account{name: found.Username, home: found.HomeDir}
	if a.uid, err = strconv.Atoi(found.Uid); err != nil {
		return nil, fmt.Errorf("read user %s: %w", name, err)
	}
	if group == "" {
		group = found.Gid
	}
	if a.gid, err = groupID(optGroup, group); err != nil {
		return nil, err
	}
	a.groups = []int{a.gid}
	if ids, err := found.GroupIds(); err == nil {
		for _, text := range ids {
			if id, err := strconv.Atoi(text); err == nil && !slices.Contains(a.groups, id) {
				a.groups = append(a.groups, id)
			}
		}
	}
	return a, nil
}

// do calls something with the rights that the user has to files: in a folder that is the user's, a link could lead root elsewhere.
func (a *account) do(something func() error) error {
	if a == nil {
		return something()
	}
	return linux.AsUser(a.uid, a.gid, a.groups, something)
}

// open calls something that opens a file, and makes the file first where the user may not do so, in a folder that nobody but root
// writes to.
func (a *account) open(path string, something func() error) error {
	err := a.do(something)
	if a == nil || !errors.Is(err, fs.ErrPermission) || a.create(path) != nil {
		return err
	}
	return a.do(something)
}

// create makes an empty file of the user's. One that is there stays as it is.
func (a *account) create(path string) error {
	dir, err := rootsFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, filepath.Base(path)), os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o640)
	if err != nil {
		return err
	}
	return errors.Join(file.Chown(a.uid, a.gid), file.Close())
}

// makeFolder makes a folder of the user's, where there is none and nobody but root writes to the one that it is to be in.
func (a *account) makeFolder(path string) error {
	if a == nil || a.do(func() error { return os.MkdirAll(path, 0o755) }) == nil {
		return nil
	}
	above, err := rootsFolder(filepath.Dir(path))
	if err != nil {
		return nil // whoever needs the folder says what is wrong with it
	}
	path = filepath.Join(above, filepath.Base(path))
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil // as above
	}
	return os.Lchown(path, a.uid, a.gid)
}

// rootsFolder returns the path of a folder without links, which is an error where anybody but root may change what is on the way.
func rootsFolder(dir string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		if stat, is := info.Sys().(*syscall.Stat_t); !is || !info.IsDir() || stat.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
			return "", fmt.Errorf("others may write to %s", at)
		}
		if at == filepath.Dir(at) {
			return dir, nil
		}
	}
}

// become has this process be the user's, for good, and tells those that it starts.
func (a *account) become(socketDir string) error {
	if a == nil {
		return nil
	}
	if err := a.makeFolder(socketDir); err != nil {
		return err
	}
	if old := syscall.Umask(0o022); old != 0 {
		syscall.Umask(old) // somebody has chosen it
	}
	if err := linux.BecomeUser(a.uid, a.gid, a.groups); err != nil {
		return hint.Errorf("run it as "+a.name+" (User= in a systemd unit)", "become the user %s: %w", a.name, err)
	}
	for name, value := range map[string]string{"HOME": a.home, "USER": a.name, "LOGNAME": a.name} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	if err := linux.MayWrite(socketDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return hint.Errorf(fmt.Sprintf("chown %s %s, or choose another folder with --socket-dir", a.name, socketDir),
			"put sockets into %s: the user %s may not write there: %w", socketDir, a.name, err)
	}
	return nil
}

// explain says what to do where the user may not do what root may, as where root has run the launcher before.
func (a *account) explain(err error, socketDir string) error {
	if a == nil || !errors.Is(err, fs.ErrPermission) || hint.Of(err) != "" {
		return err
	}
	return hint.Errorf(fmt.Sprintf("see who owns what is in the way: ls -l %s (chown %s)", socketDir, a.name), "%w (as the user %s)", err, a.name)
}
