//go:build unix

package turns_test

import (
	"fmt"
	"net"

	"github.com/support-go/support/internal/turns"
)

func ExampleListener() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	board, err := turns.On(make([]byte, turns.Size)) // of memory that other processes share
	if err != nil {
		fmt.Println(err)
		return
	}
	fair, err := turns.NewListener(ln, board.Seat(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer fair.Close()
	go func() {
		if conn, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			_ = conn.Close()
		}
	}()
	conn, err := fair.Accept()
	fmt.Println(conn != nil, err)
	// Output: true <nil>
}

func ExampleBoard() {
	board, err := turns.On(make([]byte, turns.Size))
	fmt.Println(err)
	board.Clear(0) // the worker that sat there has died
	fmt.Println(board.Turns(0))
	// Output:
	// <nil>
	// 0
}

func ExampleSeat() {
	board, err := turns.On(make([]byte, turns.Size))
	if err != nil {
		fmt.Println(err)
		return
	}
	seat := board.Seat(1)
	seat.Full(true) // from now on connections are left to whoever is not full
	seat.Full(false)
	fmt.Println(turns.Seats)
	// Output: 2048
}
