package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
)

// userInfo is the user and password in a URL.
var userInfo = regexp.MustCompile(`://[^/@"\s]*@`)

// Digest identifies what alsbot was told: the file's values, the environment's
// and the defaults, after the checks. Secrets are masked before they are
// hashed, so nobody can guess one from the digest, and a new secret alone
// doesn't change it. It is a SHA-256 in hex.
func (c *Config) Digest() (string, error) {
	told := *c
	told.Path, told.Warnings = "", nil
	b, err := json.Marshal(told)
	if err != nil {
		return "", fmt.Errorf("digesting the config: %w", err)
	}
	sum := sha256.Sum256(userInfo.ReplaceAll(b, []byte("://"+masked+"@")))
	return hex.EncodeToString(sum[:]), nil
}
