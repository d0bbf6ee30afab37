package front

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"
)

// Certificate is a certificate with its chain and its key, in files of PEM that may be read again.
type Certificate struct {
	certFile, keyFile string
	read              func(path string) ([]byte, error)
	loaded            atomic.Pointer[tls.Certificate]
}

// LoadCertificate reads a certificate and its key, now and at each Reload, by a function that waits for nothing. They may be one file.
func LoadCertificate(certFile, keyFile string, read func(path string) ([]byte, error)) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, read: read}
	return c, c.Reload()
}

// Reload reads the files again, for the connections that follow. After an error the certificate before is kept.
func (c *Certificate) Reload() error {
	cert, err := c.read(c.certFile)
	var key []byte
	if err == nil {
		key, err = c.read(c.keyFile)
	}
	var loaded tls.Certificate
	if err == nil {
		loaded, err = tls.X509KeyPair(cert, key)
	}
	if err != nil {
		return fmt.Errorf("read certificate %s with key %s: %w", c.certFile, c.keyFile, err)
	}
	c.loaded.Store(&loaded)
	return nil
}

// Expires returns when it does.
func (c *Certificate) Expires() time.Time { return c.loaded.Load().Leaf.NotAfter }

func (c *Certificate) config() *tls.Config {
	return &tls.Config{
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.loaded.Load(), nil },
	}
}
