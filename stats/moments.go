package stats

import "math"

// Moments are count, mean and the sums of the second to fourth powers of the
// distances from the mean. They merge by the pairwise formulas of Chan, Golub
// and LeVeque (1983) and Pébay (Sandia report SAND2008-6212). Fourth powers
// overflow: once distances from the mean pass 1e77 the higher moments, and
// from 1e154 the variance, are infinite or NaN.
type Moments struct {
	Count      uint64
	Mean       float64
	M2, M3, M4 float64
}

// Variance is that of the population; 0 when there are no values.
func (m Moments) Variance() float64 {
	if m.Count == 0 {
		return 0
	}
	return m.M2 / float64(m.Count)
}

// Deviation is the standard deviation, the root of Variance.
func (m Moments) Deviation() float64 { return math.Sqrt(m.Variance()) }

// Skewness is positive if the long tail is above the mean; 0 when all values
// are equal.
func (m Moments) Skewness() float64 {
	if m.M2 == 0 {
		return 0
	}
	return math.Sqrt(float64(m.Count)) * m.M3 / (m.M2 * math.Sqrt(m.M2))
}

// Kurtosis is the excess over that of a normal distribution, for which it is
// 0; heavy tails make it large. 0 when all values are equal.
func (m Moments) Kurtosis() float64 {
	if m.M2 == 0 {
		return 0
	}
	return float64(m.Count)*m.M4/(m.M2*m.M2) - 3
}

// merge adds the values that b stands for.
func (m *Moments) merge(b Moments) {
	switch {
	case b.Count == 0:
		return
	case m.Count == 0:
		*m = b
		return
	}
	na, nb := float64(m.Count), float64(b.Count)
	n := na + nb
	d := b.Mean - m.Mean
	dn := d / n
	m.M4 += b.M4 + d*dn*dn*dn*na*nb*(na*na-na*nb+nb*nb) +
		6*dn*dn*(na*na*b.M2+nb*nb*m.M2) + 4*dn*(na*b.M3-nb*m.M3)
	m.M3 += b.M3 + d*dn*dn*na*nb*(na-nb) + 3*dn*(na*b.M2-nb*m.M2)
	m.M2 += b.M2 + d*dn*na*nb
	m.Mean += dn * nb
	m.Count += b.Count
}

// less takes away the values that a stands for, which must be among those of
// m: the inverse of merge.
func (m Moments) less(a Moments) Moments {
	switch {
	case a.Count == 0:
		return m
	case m.Count <= a.Count:
		return Moments{}
	}
	n, na := float64(m.Count), float64(a.Count)
	nb := n - na
	b := Moments{Count: m.Count - a.Count}
	b.Mean = m.Mean + (m.Mean-a.Mean)*na/nb
	d := b.Mean - a.Mean
	dn := d / n
	b.M2 = max(0, m.M2-a.M2-d*dn*na*nb)
	b.M3 = m.M3 - a.M3 - d*dn*dn*na*nb*(na-nb) - 3*dn*(na*b.M2-nb*a.M2)
	b.M4 = max(0, m.M4-a.M4-d*dn*dn*dn*na*nb*(na*na-na*nb+nb*nb)-
		6*dn*dn*(na*na*b.M2+nb*nb*a.M2)-4*dn*(na*b.M3-nb*a.M3))
	return b
}

// powers are the sum of values and sums of powers of their distances from a
// value near the mean, which takes no division for each value.
type powers struct {
	near, sum      float64
	s1, s2, s3, s4 float64
}

func (p *powers) add(v float64) {
	d := v - p.near
	dd := d * d
	p.sum += v
	p.s1 += d
	p.s2 += dd
	p.s3 += dd * d
	p.s4 += dd * dd
}

// moments of the n values added, of which there is at least one.
func (p *powers) moments(n uint64) Moments {
	c := float64(n)
	d := p.s1 / c
	if n == 1 {
		return Moments{Count: 1, Mean: p.near + d}
	}
	return Moments{
		Count: n,
		Mean:  p.near + d,
		M2:    max(0, p.s2-c*d*d),
		M3:    p.s3 - 3*d*p.s2 + 2*c*d*d*d,
		M4:    max(0, p.s4-4*d*p.s3+6*d*d*p.s2-3*c*d*d*d*d),
	}
}
