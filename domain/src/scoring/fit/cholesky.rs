//! Solving linear equations whose matrix is symmetric and positive definite (Golub and Van Loan, 4.2).

/// Solves `a x = b`: the lower triangle of `a`, row by row, becomes its factor, and `b` becomes `x`. `false` if the
/// matrix is not positive definite.
#[must_use]
pub fn solve(a: &mut [f64], b: &mut [f64]) -> bool {
    let n = b.len();
    if n == 0 {
        return true;
    }
    for at in 0..n {
        let (above, below) = a.split_at_mut(at * n);
        let (row, _) = below.split_at_mut(n);
        for (before, known) in above.chunks_exact(n).enumerate() {
            let sum = dot(&row[..before], &known[..before]);
            row[before] = (row[before] - sum) / known[before];
        }
        let square = row[at] - dot(&row[..at], &row[..at]);
        if square.is_nan() || square <= 0.0 {
            return false;
        }
        row[at] = square.sqrt();
    }
    for (at, row) in a.chunks_exact(n).enumerate() {
        b[at] = (b[at] - dot(&row[..at], &b[..at])) / row[at];
    }
    for (at, row) in a.chunks_exact(n).enumerate().rev() {
        let (before, rest) = b.split_at_mut(at);
        rest[0] /= row[at];
        for (value, factor) in before.iter_mut().zip(row) {
            *value -= factor * rest[0];
        }
    }
    true
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_solved_and_impossible_ones_refused() {
        // By hand: 4x + 2y + z = 11, 2x + 5y + 3z = 21, x + 3y + 6z = 25 for x = 1, y = 2, z = 3.
        let mut a = [4.0, f64::NAN, f64::NAN, 2.0, 5.0, f64::NAN, 1.0, 3.0, 6.0];
        let mut b = [11.0, 21.0, 25.0];
        assert!(solve(&mut a, &mut b));
        for (found, wanted) in b.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-12, "{b:?}");
        }
        assert!(!solve(&mut [1.0, 0.0, 2.0, 1.0], &mut [1.0, 1.0]), "not positive definite");
        assert!(!solve(&mut [f64::NAN], &mut [1.0]));
    }
}
