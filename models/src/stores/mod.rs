//! What the specifications of all stores have in common.

pub(crate) mod locks;

use engine::Span;
use engine::chance::Dist as Draw;

use crate::dist::Dist;
use crate::wiring::Wiring;

/// The distribution in `field`, or always `otherwise` if the scenario does not say.
pub(crate) fn dist_or(
    wiring: &mut Wiring<'_>,
    field: &str,
    said: Option<&Dist>,
    otherwise: Span,
) -> Draw {
    let drawn = said.and_then(|dist| wiring.at_name(field, |w| dist.build(w)));
    drawn.unwrap_or(Draw::Fixed(otherwise))
}

#[cfg(test)]
mod forms;
#[cfg(test)]
mod together;
