//! Points, and what comes of points.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{Access::Needs, Route};
use crate::http::api::gamification::{
    badges, boards, challenges, competitions, points, rewards, rules, tiers,
};

/// Points, and what is played for.
pub(super) fn games() -> Vec<Route> {
    vec![
        (Needs(P::GamificationWrite), routes!(rules::create_point_rule)),
        (Needs(P::GamificationRead), routes!(rules::list_point_rules)),
        (Needs(P::GamificationRead), routes!(rules::get_point_rule)),
        (Needs(P::GamificationWrite), routes!(rules::replace_point_rule)),
        (Needs(P::GamificationWrite), routes!(rules::delete_point_rule)),
        (Needs(P::GamificationAward), routes!(points::give_points)),
        (Needs(P::GamificationAward), routes!(points::list_points)),
        (Needs(P::GamificationRead), routes!(points::list_point_history)),
        (Needs(P::GamificationRead), routes!(points::get_points)),
        (Needs(P::GamificationAward), routes!(points::reverse_points)),
        (Needs(P::GamificationRead), routes!(boards::leaderboard)),
        (Needs(P::GamificationRead), routes!(boards::game_stats)),
        (Needs(P::GamificationWrite), routes!(challenges::create_challenge)),
        (Needs(P::GamificationRead), routes!(challenges::list_challenges)),
        (Needs(P::GamificationRead), routes!(challenges::list_active_challenges)),
        (Needs(P::GamificationRead), routes!(challenges::get_challenge)),
        (Needs(P::GamificationWrite), routes!(challenges::replace_challenge)),
        (Needs(P::GamificationWrite), routes!(challenges::delete_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::join_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::leave_challenge)),
        (Needs(P::GamificationPlay), routes!(challenges::claim_challenge)),
        (Needs(P::GamificationRead), routes!(challenges::challenge_progress)),
        (Needs(P::GamificationWrite), routes!(competitions::create_competition)),
        (Needs(P::GamificationRead), routes!(competitions::list_competitions)),
        (Needs(P::GamificationRead), routes!(competitions::competition_leaderboard)),
        (Needs(P::GamificationRead), routes!(competitions::get_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::replace_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::join_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::close_competition)),
        (Needs(P::GamificationWrite), routes!(competitions::cancel_competition)),
        (Needs(P::GamificationRead), routes!(competitions::list_contributions)),
    ]
}

/// What points bring.
pub(super) fn prizes() -> Vec<Route> {
    vec![
        (Needs(P::GamificationWrite), routes!(tiers::create_tier)),
        (Needs(P::GamificationRead), routes!(tiers::list_tiers)),
        (Needs(P::GamificationRead), routes!(tiers::get_tier)),
        (Needs(P::GamificationWrite), routes!(tiers::replace_tier)),
        (Needs(P::GamificationWrite), routes!(tiers::delete_tier)),
        (Needs(P::GamificationWrite), routes!(badges::create_badge)),
        (Needs(P::GamificationRead), routes!(badges::list_badges)),
        (Needs(P::GamificationRead), routes!(badges::list_badge_awards)),
        (Needs(P::GamificationRead), routes!(badges::get_badge)),
        (Needs(P::GamificationWrite), routes!(badges::replace_badge)),
        (Needs(P::GamificationWrite), routes!(badges::delete_badge)),
        (Needs(P::GamificationAward), routes!(badges::award_badge)),
        (Needs(P::GamificationWrite), routes!(rewards::create_reward)),
        (Needs(P::GamificationRead), routes!(rewards::list_rewards)),
        (Needs(P::GamificationRead), routes!(rewards::get_reward)),
        (Needs(P::GamificationWrite), routes!(rewards::replace_reward)),
        (Needs(P::GamificationWrite), routes!(rewards::delete_reward)),
        (Needs(P::GamificationPlay), routes!(rewards::redeem_reward)),
        (Needs(P::GamificationRead), routes!(rewards::list_redemptions)),
        (Needs(P::GamificationRead), routes!(rewards::get_redemption)),
        (Needs(P::GamificationWrite), routes!(rewards::fulfil_redemption)),
        (Needs(P::GamificationWrite), routes!(rewards::cancel_redemption)),
    ]
}
