package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// TestSmallLooksTheSame has a picture with more colours than are kept.
func TestSmallLooksTheSame(t *testing.T) {
	picture := image.NewRGBA(image.Rect(0, 0, 200, 200))
	for y := range 200 {
		for x := range 200 {
			picture.Set(x, y, color.RGBA{uint8(x), uint8(y), 7, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	got, err := small(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(got))
	if err != nil || decoded.Bounds() != picture.Bounds() {
		t.Fatalf("%v, %v", decoded, err)
	}
	if r, g, _, _ := decoded.At(0, 0).RGBA(); r != 0 || g != 0 {
		t.Errorf("the first corner is %v, want the colour that it had", decoded.At(0, 0))
	}
	if _, err := small([]byte("no picture")); err == nil {
		t.Error("what is no picture is no error")
	}
}
