package optimiser

import "math"

// percentile returns the smallest value that at least a share q of the values do not
// exceed. It sorts them as far as it needs (Hoare's quickselect, 1961).
func percentile(values []float64, q float64) float64 {
	k := max(0, int(math.Ceil(q*float64(len(values))))-1)
	low, high := 0, len(values)-1
	for low < high {
		i, j := partition(values, low, high)
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return values[k]
		}
	}
	return values[k]
}

// partition puts what is at most the middle value left of j and what is at least it
// right of i.
func partition(values []float64, low, high int) (i, j int) {
	pivot := values[(low+high)/2]
	i, j = low, high
	for i <= j {
		for values[i] < pivot {
			i++
		}
		for values[j] > pivot {
			j--
		}
		if i <= j {
			values[i], values[j] = values[j], values[i]
			i++
			j--
		}
	}
	return i, j
}
