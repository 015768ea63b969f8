package workspace

import (
	"cmp"
	"slices"
	"strings"
)

func (w *Workspace) authTest(params) (object, error) {
	return object{
		"url": w.base + "/", "team": "Simulated workspace", "user": w.opts.BotName, "team_id": teamID,
		"user_id": BotUser, "bot_id": botID, "is_enterprise_install": false, "enterprise_id": w.opts.Org,
	}, nil
}

func (w *Workspace) usersInfo(p params) (object, error) {
	u, ok := w.names.users[p["user"]]
	if !ok {
		return nil, refuse("user_not_found")
	}
	return object{"user": wireUser(u)}, nil
}

func (w *Workspace) usersList(params) (object, error) {
	members := []object{}
	for _, u := range w.names.list {
		members = append(members, wireUser(u))
	}
	return object{"members": members, "response_metadata": object{"next_cursor": ""}}, nil
}

func wireUser(u User) object {
	out := object{
		"id": u.ID, "team_id": u.team(), "name": u.Name, "deleted": u.Deleted, "real_name": u.RealName, "tz": "Etc/UTC", "tz_offset": 0,
		"profile": object{"real_name": u.RealName, "display_name": u.Name, "title": u.Title}, "is_bot": u.Bot || u.ID == BotUser,
		"is_restricted": u.Guest || u.OneGuest, "is_ultra_restricted": u.OneGuest,
	}
	if u.Org != "" {
		out["enterprise_user"] = object{"id": u.ID, "enterprise_id": u.Org, "teams": []string{u.team()}}
	}
	if u.Team != "" && u.Org == "" {
		out["is_stranger"] = true
	}
	return out
}

// team returns the user's own workspace.
func (u User) team() string { return cmp.Or(u.Team, teamID) }

func (w *Workspace) usergroupsList(p params) (object, error) {
	list := []object{}
	for _, g := range w.opts.Groups {
		out := object{"id": g.ID, "team_id": teamID, "is_usergroup": true, "name": g.Handle, "handle": g.Handle, "user_count": len(w.groups[g.ID].Members)}
		if p.yes("include_users") {
			out["users"] = slices.Clone(w.groups[g.ID].Members)
		}
		list = append(list, out)
	}
	return object{"usergroups": list}, nil
}

func (w *Workspace) usergroupsUsers(p params) (object, error) {
	g := w.groups[p["usergroup"]]
	if g == nil {
		return nil, refuse("no_such_subteam")
	}
	return object{"users": append([]string{}, g.Members...)}, nil
}

// visible returns a channel that the bot can see.
func (w *Workspace) visible(id string) (*channel, error) {
	ch := w.channels[id]
	if ch == nil || ch.Private && !ch.botIn() {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

func (w *Workspace) conversationsInfo(p params) (object, error) {
	ch, err := w.visible(p["channel"])
	if err != nil {
		return nil, err
	}
	return object{"channel": wireChannel(ch)}, nil
}

func (w *Workspace) conversationsList(params) (object, error) {
	list := []object{}
	for _, id := range w.order {
		if ch, err := w.visible(id); err == nil && ch.dm == "" {
			list = append(list, wireChannel(ch))
		}
	}
	return object{"channels": list, "response_metadata": object{"next_cursor": ""}}, nil
}

func (w *Workspace) conversationsMembers(p params) (object, error) {
	ch, err := w.visible(p["channel"])
	if err != nil {
		return nil, err
	}
	members := []string{}
	for _, u := range w.names.list {
		if ch.has(u.ID) {
			members = append(members, u.ID)
		}
	}
	return object{"members": members, "response_metadata": object{"next_cursor": ""}}, nil
}

func (w *Workspace) conversationsOpen(p params) (object, error) {
	if id := p["channel"]; id != "" {
		return w.conversationsInfo(p)
	}
	users := strings.Split(p["users"], ",")
	if len(users) != 1 {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	if _, ok := w.names.users[users[0]]; !ok || users[0] == BotUser {
		return nil, refuse("user_not_found")
	}
	return object{"channel": wireChannel(w.direct(users[0]))}, nil
}

func (w *Workspace) conversationsJoin(p params) (object, error) {
	ch, err := w.visible(p["channel"])
	if err != nil {
		return nil, err
	}
	if ch.Archived {
		return nil, refuse("is_archived")
	}
	if ch.dm != "" || ch.Private {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	ch.BotAbsent = false
	w.touch()
	return object{"channel": wireChannel(ch)}, nil
}

func wireChannel(ch *channel) object {
	out := object{
		"id": ch.ID, "name": ch.Name, "is_channel": ch.dm == "", "is_im": ch.dm != "", "is_private": ch.Private, "is_archived": ch.Archived,
		"is_member": ch.botIn(), "topic": object{"value": ch.Topic},
	}
	if ch.dm != "" {
		out["user"] = ch.dm
	}
	return out
}
