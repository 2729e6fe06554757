//! Customers as staff see them, and the groups that staff put accounts into.

mod api;
mod group;
mod membership;

pub use api::{
    CreateGroupBody, CustomerOrdersView, CustomerProfileView, GroupMemberView, GroupMembersView,
    GroupPatch, GroupView, GroupsView,
};
pub use group::{
    CustomerGroup, GroupDetails, GroupId, InvalidGroupId, MAX_GROUPS, NewGroup, group_exists,
    group_in_use, no_such_group, too_many_groups,
};
pub use membership::{GroupMember, MAX_GROUPS_OF_ACCOUNT, join_group, leave_group};
