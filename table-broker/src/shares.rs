//! How the members of a group divide its partitions.

/// How many of a topic's `partitions` the member `own` may hold now, given what each live member (`own` among them)
/// holds.
///
/// Everybody gets the floor of the mean, and as many members as there are partitions left over get one more. Those
/// who have one more already keep it (were they too many, the lowest ids do), so that a share which is fair stays
/// as it is: members that ask one after the other settle and then move nothing.
pub(crate) fn fair_share(own: &str, members: &[(String, u32)], partitions: u32) -> u32 {
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX).max(1);
    let floor = partitions / count;
    let left_over = partitions as usize % count as usize;
    let above_floor = || members.iter().filter(|(_, held)| *held > floor);
    let gets_one_more = if above_floor().any(|(id, _)| id == own) {
        above_floor().filter(|(id, _)| id.as_str() < own).count() < left_over
    } else {
        above_floor().count() < left_over
    };
    floor + u32::from(gets_one_more)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets every member in turn give up or take what its share says; returns how many partitions moved.
    fn round(members: &mut [(String, u32)], partitions: u32) -> u32 {
        let mut moved = 0;
        for index in 0..members.len() {
            let own = members[index].0.clone();
            let share = fair_share(&own, members, partitions);
            let free = partitions - members.iter().map(|(_, held)| held).sum::<u32>();
            let held = members[index].1;
            let now = share.min(held + free);
            moved += now.abs_diff(held);
            members[index].1 = now;
        }
        moved
    }

    /// Runs rounds until nothing moves and checks that the shares are fair then.
    fn settle(members: &mut [(String, u32)], partitions: u32) {
        let rounds = (0..10).take_while(|_| round(members, partitions) > 0).count();
        assert!(rounds < 4, "{partitions} partitions over {members:?} don't settle");
        let count = u32::try_from(members.len()).unwrap();
        assert_eq!(members.iter().map(|(_, held)| held).sum::<u32>(), partitions, "{members:?}");
        for (id, held) in members.iter() {
            let fair = partitions / count..=partitions.div_ceil(count);
            assert!(fair.contains(held), "{id} of {members:?} holds {held} of {partitions}");
        }
    }

    #[test]
    fn members_that_come_and_go_always_settle_on_fair_shares() {
        for partitions in 1..=16 {
            for order in ["abcdefg", "gfedcba", "dagbfce"] {
                let mut members = vec![];
                for id in order.chars() {
                    members.push((id.to_string(), 0));
                    settle(&mut members, partitions);
                }
                while members.len() > 1 {
                    members.remove(members.len() / 2);
                    settle(&mut members, partitions);
                }
            }
        }
    }

    #[test]
    fn a_fair_division_moves_nothing() {
        let mut members = vec![("a".to_owned(), 1), ("b".to_owned(), 2), ("c".to_owned(), 2)];
        assert_eq!(round(&mut members, 5), 0);
    }

    #[test]
    fn a_joining_member_takes_no_more_than_it_must() {
        let mut members = vec![("b".to_owned(), 4), ("c".to_owned(), 4), ("a".to_owned(), 0)];
        settle(&mut members, 8);
        assert_eq!(members, [("b".to_owned(), 3), ("c".to_owned(), 3), ("a".to_owned(), 2)]);
    }
}
