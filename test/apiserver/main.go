// Kubeparts is the real control plane of Crowsnest's tests: a kube-apiserver with its etcd in one process, or a
// kube-controller-manager, built from the Go modules that Kubernetes publishes. It is started by test/support/real-apiserver.ts and is
// meant for nothing else: etcd neither syncs to disk nor asks who is calling.
//
//	kubeparts apiserver --data-dir DIR [--etcd-port N] [--stop-with-stdin] -- FLAGS OF KUBE-APISERVER
//	kubeparts controller-manager [--stop-with-stdin] -- FLAGS OF KUBE-CONTROLLER-MANAGER
package main

import (
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

const (
	etcdReadyTimeout = 30 * time.Second
	exitUsage        = 2
	exitEtcd         = 3
)

func main() {
	part := ""
	if len(os.Args) > 1 {
		part = os.Args[1]
	}
	flags := flag.NewFlagSet("kubeparts "+part, flag.ExitOnError)
	dataDir := flags.String("data-dir", "", "folder of etcd's data (apiserver only)")
	etcdPort := flags.Int("etcd-port", 0, "port of etcd on the loopback address; 0 takes any free one (apiserver only)")
	stopWithStdin := flags.Bool("stop-with-stdin", false, "stop when standard input ends, so that a killed test leaves nothing behind")
	if len(os.Args) > 2 {
		_ = flags.Parse(os.Args[2:]) // ExitOnError
	}
	if *stopWithStdin {
		go stopWhenInputEnds()
	}

	// The Kubernetes commands read os.Args themselves, and so do the help texts and logs they print.
	os.Args = append([]string{"kube-" + part}, flags.Args()...)
	switch part {
	case "apiserver":
		os.Exit(runAPIServer(*dataDir, *etcdPort))
	case "controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "kubeparts: %q is no part; there are apiserver and controller-manager\n", part)
		os.Exit(exitUsage)
	}
}

func runAPIServer(dataDir string, etcdPort int) int {
	if dataDir == "" {
		fmt.Fprintln(os.Stderr, "kubeparts: --data-dir is missing")
		return exitUsage
	}
	etcd, err := startEtcd(dataDir, etcdPort)
	if err != nil {
		fmt.Fprintf(os.Stderr, "kubeparts: etcd did not start: %v\n", err)
		return exitEtcd
	}
	defer etcd.Close()
	os.Args = append(os.Args, "--etcd-servers=http://"+etcd.Clients[0].Addr().String())
	return cli.Run(apiserver.NewAPIServerCommand())
}

// startEtcd brings up a single member and waits until it serves. Nothing is synced to disk: what was written still survives the death of
// the process (the kernel holds it), which is all that tests of restarts need, and writes take a fraction of the time.
func startEtcd(dataDir string, port int) (*embed.Etcd, error) {
	config := embed.NewConfig()
	config.Dir = filepath.Join(dataDir, "etcd")
	config.Name = "test"
	config.LogLevel = "error"
	config.UnsafeNoFsync = true
	client := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		etcd.Close()
		return nil, err
	case <-time.After(etcdReadyTimeout):
		etcd.Close()
		return nil, fmt.Errorf("not ready after %s", etcdReadyTimeout)
	}
}

// stopWhenInputEnds asks for the usual shutdown as soon as the other end of standard input is closed, be it on purpose or by a SIGKILL.
func stopWhenInputEnds() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
}
