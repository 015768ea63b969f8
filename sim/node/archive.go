package node

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"
)

// archive describes the file that an export writes.
type archive struct {
	data    Data
	names   []string // contents
	size    int64    // approximate size of the file
	seed    int64    // decides the bytes of the binary members
	version string
	fault   string
}

// writeArchive writes a real .tgz with the contents, damaged as the fault
// requires. The text says why kato failed; the error says why the simulator
// failed.
func writeArchive(f *os.File, a archive) (string, error) {
	zip := gzip.NewWriter(f)
	out := tar.NewWriter(zip)
	var err error
	switch a.fault {
	case "nofile":
		err = addDir(out, "helion-export/")
	case "tiny":
		err = addFile(out, "helion-export/export.yml", "version: "+a.version+"\n")
	default:
		err = a.members(out)
	}
	if err := errors.Join(err, out.Close(), zip.Close()); err != nil {
		return "", fmt.Errorf("writing the archive: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	switch a.fault {
	case "truncated":
		return "", f.Truncate(info.Size() * 3 / 5)
	case "half":
		return "undefined method `read' for nil:NilClass (NoMethodError)", f.Truncate(info.Size() / 2)
	case "full":
		return "No space left on device", f.Truncate(info.Size() / 3)
	case "corrupt":
		_, err := f.WriteAt([]byte("damaged!"), info.Size()/2)
		return "", err
	}
	return "", nil
}

func (a archive) members(out *tar.Writer) error {
	err := errors.Join(
		addDir(out, "helion-export/"),
		addFile(out, "helion-export/export.yml", fmt.Sprintf("version: %s\ncontents:\n- %s\n", a.version, strings.Join(a.names, "\n- "))),
	)
	noise := rand.NewChaCha8([32]byte{byte(a.seed), byte(a.seed >> 8), byte(a.seed >> 16), byte(a.seed >> 24)})
	large := slices.DeleteFunc(slices.Clone(a.names), isSecret)
	share := a.size / int64(max(1, len(large)))
	for _, name := range a.names {
		prefix := "helion-export/" + name
		switch {
		case name == "main-db":
			err = errors.Join(err, addFile(out, prefix+".sql", mainDB(a.data)), addNoise(out, prefix+".blobs", noise, share))
		case strings.HasSuffix(name, "-db"):
			err = errors.Join(err, addFile(out, prefix+".sql", "-- PostgreSQL database dump\nSET client_encoding = 'UTF8';\n"), addNoise(out, prefix+".blobs", noise, share))
		case isSecret(name):
			err = errors.Join(err, addFile(out, prefix, "0123456789abcdef\n"))
		case name == "mysql" || name == "postgresql":
			err = errors.Join(err, addFile(out, prefix+"/d4c1a7f0b.sql", "-- dump of one service instance\nCREATE TABLE t (id int);\n"),
				addNoise(out, prefix+"/d4c1a7f0b.data", noise, share))
		default:
			err = errors.Join(err, addDir(out, prefix+"/"), addNoise(out, prefix+"/8f14e45f-ceea-467d-9b3c-1a2b3c4d5e6f.tgz", noise, share))
		}
	}
	return err
}

// isSecret tells the contents that are one short line.
func isSecret(name string) bool { return name == "license" || name == "db-encryption-key" }

// mainDB is the dump of the controller's database; an import reads it back.
func mainDB(d Data) string {
	var b strings.Builder
	b.WriteString("-- PostgreSQL database dump\nSET client_encoding = 'UTF8';\n")
	for _, user := range d.Users {
		fmt.Fprintf(&b, "INSERT INTO users (guid) VALUES ('%s');\n", user)
	}
	for _, app := range d.Apps {
		fmt.Fprintf(&b, "INSERT INTO apps (name) VALUES ('%s');\n", app)
	}
	return b.String()
}

func addDir(out *tar.Writer, name string) error {
	return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: time.Now()})
}

func addFile(out *tar.Writer, name, text string) error {
	err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text)), ModTime: time.Now()})
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, text)
	return err
}

// addNoise adds a file of bytes that do not compress.
func addNoise(out *tar.Writer, name string, noise io.Reader, size int64) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: time.Now()}); err != nil {
		return err
	}
	_, err := io.CopyN(out, noise, size)
	return err
}

// readArchive reads an archive to its end. What could be read is returned
// also with an error.
func readArchive(file string) (names []string, data Data, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, data, err
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, data, err
	}
	in := tar.NewReader(zip)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, zip) // to the checksum
			return names, data, err
		}
		if err != nil {
			return names, data, err
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(h.Name, "helion-export/"), "/")
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".sql"), ".blobs")
		if name != "" && name != "export.yml" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		if h.Name != "helion-export/main-db.sql" {
			continue
		}
		sql, err := io.ReadAll(in)
		if err != nil {
			return names, data, err
		}
		data.Users, data.Apps = inserted(string(sql), "users (guid)"), inserted(string(sql), "apps (name)")
	}
}

func inserted(sql, table string) []string {
	var values []string
	for line := range strings.SplitSeq(sql, "\n") {
		if rest, ok := strings.CutPrefix(line, "INSERT INTO "+table+" VALUES ('"); ok {
			values = append(values, strings.TrimSuffix(rest, "');"))
		}
	}
	return values
}
