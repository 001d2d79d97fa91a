package drill

import "math"

// bin is all samples that were due within one width on the page.
type bin struct {
	from, to float64
	Figures
}

// bins are those of some samples, of which one is due every so often, none where nothing was due. Each is of as many, and of no fewer than
// least: else some would seem to have more than others.
func (c *canvas) bins(samples []Sample, every, least float64) []bin {
	if len(samples) == 0 {
		return nil
	}
	width := every * max(math.Ceil(c.seconds*binWidth/(c.right-c.left)/every), least)
	zero := samples[0].At - every/2
	var out []bin
	for i := 0; i < len(samples); {
		n := math.Floor((samples[i].At - zero) / width)
		b, k := bin{from: zero + n*width, to: zero + (n+1)*width}, i
		for k < len(samples) && samples[k].At < b.to {
			k++
		}
		k = max(k, i+1)
		b.Figures = figures(samples[i:k], Write, Read, Poll)
		out, i = append(out, b), k
	}
	return out
}

func only(samples []Sample, which func(Sample) bool) []Sample {
	var out []Sample
	for _, s := range samples {
		if which(s) {
			out = append(out, s)
		}
	}
	return out
}

func ofAPI(s Sample) bool { return s.Kind != Poll }
