// Command kube is Kubernetes in one file: API server, controller manager, scheduler, kubelet, proxy
// and kubectl, unmodified, chosen by the name it is called by (a symlink) or else by its first
// argument. Six programs that share nine tenths of their code make one binary of 140 MB instead of
// six of 480 MB in all, which each machine would have to be sent.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

func main() {
	name, args, ok := choose(os.Args)
	if !ok {
		fmt.Fprintf(os.Stderr, "kube: call it as, or with first argument, one of: %s\n", strings.Join(names(), ", "))
		os.Exit(2)
	}
	// cobra, klog and kubectl's plugins all read os.Args themselves.
	os.Args = args
	os.Exit(programs()[name]())
}

// choose finds the program that args ask for: by the base name of args[0], else by args[1]. The
// arguments it returns begin with the program's name, as if it had been called by that name.
func choose(args []string) (name string, rest []string, ok bool) {
	for i := 0; i < len(args) && i < 2; i++ {
		name = filepath.Base(args[i])
		if _, ok = programs()[name]; ok {
			return name, args[i:], true
		}
	}
	return "", nil, false
}

func names() []string {
	var all []string
	for name := range programs() {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
