package yamlfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"schload/internal/spelling"
)

// largest bounds what Decode reads, in bytes; real files are a fiftieth of it.
const largest = 1 << 19

// Error is what is wrong with a file, and where.
type Error struct {
	File string
	Line int // from 1; 0: the file as a whole
	Err  error
}

// Error returns "file:line: what".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the error without its place.
func (e *Error) Unwrap() error { return e.Err }

// Read returns the text of a file, and no more of it than it takes for Decode to
// refuse it: a device or a dump by the name does not fill the memory.
func Read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err == nil && len(data) > largest {
		err = &Error{file, 0, fmt.Errorf("want a file of at most %d bytes, it has more", largest)}
	}
	return data, err
}

// Decode reads data into v and refuses keys v has no field for; keys are all
// words that may be keys, for suggestions. file names the data in errors, which
// are of type *Error.
func Decode(file string, data []byte, v any, keys []string) error {
	if len(data) > largest {
		return &Error{file, 0, fmt.Errorf("want a file of at most %d bytes, got %d", largest, len(data))}
	}
	if err := decode(data, v); err != nil {
		return place(file, err, keys)
	}
	return nil
}

// decode reads the YAML. Subtle: fuzzing found inputs on which the library
// panics (a tag without a value where a list belongs); to us they are files
// that cannot be read. The fuzz tests of the packages that read files guard it.
func decode(data []byte, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be read as YAML: %v", r)
		}
	}()
	if err := checkWhole(data, v); err != nil {
		return err
	}
	return yaml.UnmarshalWithOptions(data, v, yaml.Strict())
}

// place turns an error of the YAML library into one line with a position. An
// *Error from a field's own decoder keeps its line and gets its file.
func place(file string, err error, keys []string) error {
	if at, ok := errors.AsType[*Error](err); ok {
		return &Error{file, at.Line, at.Err}
	}
	positioned, ok := errors.AsType[yaml.Error](err)
	if !ok || positioned.GetToken() == nil {
		return &Error{file, 0, errors.New(oneLine(err.Error()))}
	}
	token := positioned.GetToken()
	message := oneLine(positioned.GetMessage())
	if _, unknown := errors.AsType[*yaml.UnknownFieldError](err); unknown {
		message = fmt.Sprintf("unknown key %q%s", Clip(token.Value), spelling.Hint(token.Value, keys))
	}
	return &Error{file, token.Position.Line, errors.New(message)}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Clip bounds what an error repeats of its input.
func Clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
