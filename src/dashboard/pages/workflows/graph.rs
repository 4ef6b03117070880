//! Where the boxes of a graph stand and how the lines between them go. Pure.
//!
//! Layers from the top to the bottom, each step one below the last of those that it comes after. Two boxes stand beside each
//! other on a phone; what is wider is scrolled, and never made smaller. A line that passes a layer has a place of its own in
//! it, so that none goes behind a box.

use std::fmt::Write as _;

/// Of a box.
pub const WIDTH: i32 = 152;
/// Of a box, too: all are alike.
pub const HEIGHT: i32 = 46;
const BESIDE: i32 = 12;
const BELOW: i32 = 30;
const EDGE: i32 = 4;
/// Of a line that passes.
const PASSING: i32 = 10;
/// Lines that go around boxes have so many places altogether; more of them go straight.
const MOST_PLACES: usize = 1_000;
const SWEEPS: usize = 4;

/// A line from one box to another.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub from: usize,
    pub to: usize,
    /// As SVG writes it.
    pub path: String,
}

/// A graph that can be drawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Graph {
    pub width: i32,
    pub height: i32,
    /// The left upper corner of each box.
    pub boxes: Vec<(i32, i32)>,
    pub lines: Vec<Line>,
}

/// What stands in a layer: a box, or a line that passes.
#[derive(Debug, Clone, Default)]
struct Place {
    above: Vec<usize>,
    below: Vec<usize>,
    passing: bool,
    /// The middle.
    x: i32,
    layer: usize,
}

/// Places boxes, of each of which it is said which it comes after. One that is said to come after a later one is not.
#[must_use]
pub fn graph(after: &[Vec<usize>]) -> Graph {
    let (mut places, routes) = places(after);
    let layers = places.iter().map(|place| place.layer + 1).max().unwrap_or_default();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); layers];
    for (number, place) in places.iter().enumerate() {
        rows[place.layer].push(number);
    }
    for sweep in 0..SWEEPS {
        sort(&mut rows, &places, sweep % 2 == 0);
    }
    let wide = |place: &Place| if place.passing { PASSING } else { WIDTH };
    let widths: Vec<i32> = rows
        .iter()
        .map(|row| row.iter().map(|number| wide(&places[*number]) + BESIDE).sum::<i32>() - BESIDE)
        .collect();
    let widest = widths.iter().copied().max().unwrap_or_default().max(0);
    for (row, width) in rows.iter().zip(&widths) {
        let mut x = EDGE + (widest - width) / 2;
        for number in row {
            let own = wide(&places[*number]);
            places[*number].x = x + own / 2;
            x += own + BESIDE;
        }
    }
    let boxes =
        places.iter().take(after.len()).map(|place| (place.x - WIDTH / 2, top(place.layer))).collect();
    let lines = routes
        .into_iter()
        .map(|route| Line {
            from: route.first().copied().unwrap_or_default(),
            to: route.last().copied().unwrap_or_default(),
            path: path(&route, &places),
        })
        .collect();
    let height = match layers {
        0 => 0,
        layers => top(layers - 1) + HEIGHT + EDGE,
    };
    Graph { width: widest + 2 * EDGE, height, boxes, lines }
}

/// The boxes in their layers with what passes between them, and the places that each line goes by.
fn places(after: &[Vec<usize>]) -> (Vec<Place>, Vec<Vec<usize>>) {
    let mut places: Vec<Place> = Vec::with_capacity(after.len());
    for (number, needs) in after.iter().enumerate() {
        let above = needs.iter().filter(|need| **need < number);
        let layer = above.map(|need| places[*need].layer + 1).max().unwrap_or_default();
        places.push(Place { layer, ..Place::default() });
    }
    let mut routes = Vec::new();
    for (number, needs) in after.iter().enumerate() {
        for need in needs.iter().copied().filter(|need| *need < number) {
            let mut route = vec![need];
            let between = places[need].layer + 1..places[number].layer;
            if places.len() + between.len() <= MOST_PLACES {
                for layer in between {
                    route.push(places.len());
                    places.push(Place { passing: true, layer, ..Place::default() });
                }
            }
            route.push(number);
            for pair in route.windows(2) {
                places[pair[0]].below.push(pair[1]);
                places[pair[1]].above.push(pair[0]);
            }
            routes.push(route);
        }
    }
    (places, routes)
}

/// Sorts each layer by the middle of what it hangs together with in the layer before, so that lines cross seldom.
fn sort(rows: &mut [Vec<usize>], places: &[Place], down: bool) {
    let mut at = vec![0.0_f64; places.len()];
    for row in rows.iter() {
        note(row, &mut at);
    }
    let order: Vec<usize> = if down { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
    for layer in order {
        let middle = |number: &usize| {
            let near = if down { &places[*number].above } else { &places[*number].below };
            let sum: f64 = near.iter().map(|other| at[*other]).sum();
            match u32::try_from(near.len()) {
                Ok(0) | Err(_) => at[*number],
                Ok(near) => sum / f64::from(near),
            }
        };
        let mut keyed: Vec<(f64, usize)> =
            rows[layer].iter().map(|number| (middle(number), *number)).collect();
        keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
        rows[layer] = keyed.into_iter().map(|(_, number)| number).collect();
        note(&rows[layer], &mut at);
    }
}

/// Notes where each stands in its row, from 0 to 1.
fn note(row: &[usize], at: &mut [f64]) {
    let many = f64::from(u32::try_from(row.len()).unwrap_or(u32::MAX));
    for (place, number) in (0_u32..).zip(row) {
        at[*number] = (f64::from(place) + 0.5) / many;
    }
}

fn top(layer: usize) -> i32 {
    EDGE + i32::try_from(layer).unwrap_or_default() * (HEIGHT + BELOW)
}

/// From the lower edge of a box, past what is between, to the upper edge of another.
fn path(route: &[usize], places: &[Place]) -> String {
    let Some((first, rest)) = route.split_first() else { return String::new() };
    let mut text = format!("M{} {}", places[*first].x, top(places[*first].layer) + HEIGHT);
    let mut from = places[*first].x;
    for number in rest {
        let place = &places[*number];
        let (to, upper) = (place.x, top(place.layer));
        let bend = BELOW / 2;
        let _ = write!(text, "C{from} {} {to} {} {to} {upper}", upper - BELOW + bend, upper - bend);
        if place.passing {
            let _ = write!(text, "V{}", upper + HEIGHT);
        }
        from = to;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_goes_down_in_one_column() {
        let graph = graph(&[vec![], vec![0], vec![1]]);
        assert_eq!((graph.width, graph.height), (160, 206));
        assert_eq!(graph.boxes, [(4, 4), (4, 80), (4, 156)]);
        assert_eq!(graph.lines[0].path, "M80 50C80 65 80 65 80 80");
    }

    #[test]
    fn two_stand_beside_each_other_on_a_phone() {
        let graph = graph(&[vec![], vec![0], vec![0], vec![1, 2]]);
        assert!(graph.width <= 336, "{}", graph.width);
        let tops: Vec<i32> = graph.boxes.iter().map(|(_, top)| *top).collect();
        assert_eq!(tops, [4, 80, 80, 156]);
        assert!(graph.boxes[1].0 + WIDTH < graph.boxes[2].0);
    }

    #[test]
    fn what_passes_a_layer_goes_behind_no_box() {
        // The last comes after the first as well, past the one between.
        let graph = graph(&[vec![], vec![0], vec![0, 1]]);
        let passing = graph.lines.iter().find(|line| (line.from, line.to) == (0, 2)).expect("a line");
        let (left, _) = graph.boxes[1];
        let down = passing.path.split_once('V').expect("it goes straight down").0;
        let at: Vec<i32> = down.rsplit(' ').skip(1).take(1).map(|x| x.parse().expect("a number")).collect();
        assert!(at[0] < left || at[0] > left + WIDTH, "{} {left}", passing.path);
    }

    #[test]
    fn lines_do_not_cross_where_they_need_not() {
        // Two chains whose steps were declared crosswise.
        let graph = graph(&[vec![], vec![], vec![1], vec![0]]);
        let x = |number: usize| graph.boxes[number].0;
        assert_eq!(x(0) < x(1), x(3) < x(2), "{:?}", graph.boxes);
    }

    #[test]
    fn whatever_is_said_is_drawn() {
        assert_eq!(graph(&[]).boxes, []);
        let knot = graph(&[vec![1], vec![0]]);
        assert_eq!(knot.lines.len(), 1, "one comes first");
        let all: Vec<Vec<usize>> = (0..200).map(|number| (0..number).collect()).collect();
        assert_eq!(graph(&all).lines.len(), 19_900);
    }
}
