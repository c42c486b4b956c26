package stats

// quantilesShown are those that JSON has.
var quantilesShown = [...]struct {
	name string
	p    float64
}{
	{"p1", 0.01}, {"p5", 0.05}, {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75},
	{"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999},
}

func (p printer) distribution(d *DistributionSnapshot) object {
	o := object{{"count", d.Count}}
	if d.Invalid > 0 {
		o = append(o, member{"invalid", d.Invalid})
	}
	if d.Count == 0 {
		return o
	}
	o = append(o, p.figures(d)...)
	if p.digits <= 0 {
		o = append(o, object{
			{"zeros", d.Zeros},
			{"positive", p.buckets(d.Positive)},
			{"negative", p.buckets(d.Negative)},
		}...)
	}
	return o
}

func (p printer) figures(d *DistributionSnapshot) object {
	var quantiles, averages object
	for _, q := range quantilesShown {
		quantiles = append(quantiles, member{q.name, p.number(d.Quantile(q.p))})
	}
	for i, decay := range Decays() {
		averages = append(averages, member{decay.String(), p.number(d.Averages[i].Value())})
	}
	return object{
		{"sum" + p.unit, p.number(d.Sum)},
		{"mean" + p.unit, p.number(d.Mean)},
		{"deviation" + p.unit, p.number(d.Deviation())},
		{"skewness", p.number(d.Skewness())},
		{"kurtosis", p.number(d.Kurtosis())},
		{"min" + p.unit, p.sample(d.Min)},
		{"max" + p.unit, p.sample(d.Max)},
		{"quantiles" + p.unit, quantiles},
		{"trimean" + p.unit, p.number(d.Trimean())},
		{"geometric_mean" + p.unit, p.number(d.GeometricMean())},
		{"harmonic_mean" + p.unit, p.number(d.HarmonicMean())},
		{"averages" + p.unit, averages},
		{"largest" + p.unit, p.samples(d.Largest)},
		{"recent" + p.unit, p.samples(d.Recent)},
		{"minutes" + p.unit, p.windows(d.Minutes)},
		{"hours" + p.unit, p.windows(d.Hours)},
	}
}

func (p printer) sample(s Sample) object {
	return object{{"value", p.number(s.Value)}, {"at", p.time(s.At)}}
}

func (p printer) samples(all []Sample) []object {
	printed := make([]object, len(all))
	for i, s := range all {
		printed[i] = p.sample(s)
	}
	return printed
}

func (p printer) windows(all []Window) []object {
	printed := make([]object, len(all))
	for i, w := range all {
		printed[i] = object{
			{"start", p.time(w.Start)},
			{"count", w.Count},
			{"sum", p.number(w.Sum)},
			{"min", p.number(float64(w.Min))},
			{"max", p.number(float64(w.Max))},
			{"p50", p.number(float64(w.P50))},
			{"p95", p.number(float64(w.P95))},
			{"p99", p.number(float64(w.P99))},
		}
	}
	return printed
}

func (p printer) buckets(b Buckets) object {
	return object{{"offset", b.Offset}, {"counts", b.Counts}}
}
