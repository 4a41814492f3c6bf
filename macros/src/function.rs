//! What is generated for one cached function, wherever it stands.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Expr, ExprLit, FnArg, GenericParam, Ident, Lit, Pat, Result, Signature, Type, spanned::Spanned,
};

use crate::{
    attributes::{Attributes, no_region},
    errors,
    home::{From, Home, own, plain},
    key::{Key, Scope},
    signature::{Argument, Function, Shape, Taken, uses},
};

/// A cached function, ready to be written.
pub(crate) struct Cached<'a> {
    function: &'a Function,
    attributes: &'a Attributes,
    home: &'a Home,
    krate: TokenStream,
    region: &'a Expr,
    key: Key,
    expire_after: TokenStream,
}

impl<'a> Cached<'a> {
    pub(crate) fn new(
        function: &'a Function,
        attributes: &'a Attributes,
        home: &'a Home,
    ) -> Result<Self> {
        let Some(region) = &attributes.region else { return Err(no_region(false)) };
        check_skipped(&attributes.skip, function)?;
        let scope = Scope {
            function: function.name(),
            arguments: function.arguments.iter().map(|argument| &argument.name).collect(),
            parameters: function.parameters().chain(home.parameters()).collect(),
        };
        let key = Key::new(attributes.key.as_ref(), &scope)?;
        let krate = attributes.krate();
        let expire_after = lifetime(attributes.expire_after.as_ref(), &krate)?;
        let cached = Self { function, attributes, home, krate, region, key, expire_after };
        for Argument { ty, .. } in cached.key_arguments() {
            if let Type::ImplTrait(_) = ty {
                return Err(errors::at(
                    ty,
                    "an argument that is part of the key needs a type with a name: make it a type \
                     parameter (`fn f<T: ..>(x: T)`), or leave it out of the key with `skip(..)`",
                ));
            }
        }
        Ok(cached)
    }

    /// The arguments that the methods for keys take.
    fn key_arguments(&self) -> impl Iterator<Item = &Argument> {
        self.function.arguments.iter().filter(|argument| {
            let name = &argument.name;
            let key = self.key.uses(name) && !self.attributes.skips(name);
            let Attributes { namespace, expire_after, .. } = self.attributes;
            let expressions = [Some(self.region), namespace.as_ref(), expire_after.as_ref()];
            key || expressions.into_iter().flatten().any(|e| uses(e.to_token_stream(), name))
        })
    }

    pub(crate) fn key_names(&self) -> Vec<&Ident> {
        self.key_arguments().map(|argument| &argument.name).collect()
    }

    fn names(&self) -> Vec<&Ident> {
        self.function.arguments.iter().map(|argument| &argument.name).collect()
    }

    fn part(&self, part: &str) -> TokenStream {
        self.home.part(part, self.function)
    }

    fn returned(&self) -> &Type {
        &self.function.returns.ty
    }

    fn marker(&self) -> TokenStream {
        self.function.returns.marker(&self.krate, self.returned())
    }

    fn value(&self) -> TokenStream {
        self.function.returns.value(&self.krate, self.returned())
    }

    /// The function as its callers know it.
    pub(crate) fn wrapper(&self) -> TokenStream {
        let Function { vis, sig, .. } = self.function;
        let (stays, _) = self.function.attributes();
        let sig = plain_names(sig);
        let (krate, returned) = (&self.krate, self.returned());
        let spelled = (self.function.returns.shape == Shape::Plain).then(|| {
            let shown = errors::shown_at(krate, returned.span());
            quote_spanned! {returned.span()=> {
                #[allow(unused_imports, reason = "where it is not needed")]
                use #krate::function::NeitherResultNorOption as _;
                #shown::function::spelled_out(#shown::function::Spelling::<#returned>::NEW.kind());
            }}
        });
        let answer = self.answer(false);
        quote! {
            #(#stays)*
            #[allow(clippy::used_underscore_binding, reason = "generated")]
            #vis #sig {
                #spelled
                #answer
            }
        }
    }

    /// Calls the library for one call.
    fn answer(&self, anew: bool) -> TokenStream {
        let Self { krate, function, region, .. } = self;
        let (names, keys, marker) = (self.names(), self.key_names(), self.marker());
        let owner = Home::owner(function, From::Inside);
        let [key, lifetime, kept, body] =
            ["key", "lifetime", "kept", "body"].map(|part| self.part(part));
        let (_, awaits) = waits(function);
        let span = self.returned().span();
        let how = if function.is_async() { "answer" } else { "answer_blocking" };
        let how = format_ident!("{how}", span = span);
        let shown = errors::shown_at(krate, span);
        let (found, error, created) = (own("region"), own("error"), own("created"));
        let source = errors::shown_at(krate, region.span());
        let source = quote_spanned!(region.span()=> #source::RegionSource::region(&#region));
        let carrier = carrier(krate, &marker);
        let own_ttl =
            self.attributes.ttl.as_ref().map(
                |ttl| quote_spanned!(ttl.span()=> #krate::function::keeps_lifetimes(&*#found);),
            );
        let new = quote_spanned!(span=> #marker::NEW);
        let (text, written) = (own("key"), own("written"));
        let arguments = quote! {
            #new,
            &*#found,
            #written.map(|()| &#text),
            #lifetime(#owner #(&#keys),*),
            #anew,
            (#(#names,)*),
            |(#(#names,)*)| #body(#owner #(#names),*),
            |#created| #kept(#owner #created),
            #carrier,
        };
        let call = quote_spanned!(span=> #shown::function::#how(#arguments) #awaits);
        quote! {
            match #source {
                ::core::result::Result::Ok(#found) => {
                    #own_ttl
                    let mut #text = #krate::function::FunctionKey::new();
                    let #written = #key(#owner #(&#keys,)* &mut #text);
                    #call
                }
                ::core::result::Result::Err(#error) => {
                    #krate::function::no_region(#marker::NEW, #error, #carrier)
                }
            }
        }
    }

    /// Asks that the stack keeps lifetimes, if the function has some to keep.
    fn keeps_lifetimes(&self, region: &Ident) -> Option<TokenStream> {
        let (krate, ttl) = (&self.krate, self.attributes.ttl.as_ref()?);
        let shown = errors::shown_at(krate, ttl.span());
        Some(quote_spanned!(ttl.span()=> #shown::function::keeps_lifetimes(&*#region);))
    }

    /// What the function and its handle are made of.
    pub(crate) fn parts(&self) -> TokenStream {
        let (keys, refresh) = (self.key_parts(), self.refresh_part());
        let (vis, quiet) = (&self.function.vis, quiet());
        quote! {
            #keys
            #[doc(hidden)] #quiet #vis #refresh
        }
    }

    /// What a batch of the same entries uses, too.
    pub(crate) fn key_parts(&self) -> TokenStream {
        let parts = [self.key_part(), self.lifetime_part(), self.kept_part(), self.with_part()];
        let (quiet, vis) = (quiet(), &self.function.vis);
        quote!(#(#[doc(hidden)] #quiet #vis #parts)*)
    }

    /// The header of a part that takes the arguments of keys.
    fn header(&self, part: &str, more: &TokenStream, arguments: &TokenStream) -> TokenStream {
        let part = self.home.part_name(part, self.function);
        let generics = self.home.generics(self.function, more);
        let receiver = Home::receiver(self.function);
        quote!(fn #part #generics(#receiver #arguments))
    }

    fn bounds(&self) -> TokenStream {
        self.home.bounds(self.function)
    }

    /// The arguments of keys as they are taken, and as expressions see them.
    fn taken(&self) -> (TokenStream, TokenStream) {
        let all = self.key_arguments().map(|Argument { name, ty }| (name, Taken::of(ty)));
        let (mut declared, mut seen) = (TokenStream::new(), TokenStream::new());
        for (name, Taken { ty, copied }) in all {
            declared.extend(quote!(#name: #ty,));
            if copied {
                seen.extend(quote!(let #name = *#name;));
            }
        }
        (declared, seen)
    }

    fn key_part(&self) -> TokenStream {
        let krate = &self.krate;
        let (declared, seen) = self.taken();
        let (key, text) = (own("key"), own("text"));
        let argument = quote!(#declared #key: &mut #krate::function::FunctionKey,);
        let (header, bounds) = (self.header("key", &quote!(), &argument), self.bounds());
        let written = match &self.key {
            Key::Derived => {
                let derived = self.derived(&text);
                quote! {
                    #derived
                    *#key.text() = #text.end();
                }
            }
            Key::Template(template) => {
                let write = template.write(&text, krate);
                quote! {
                    let #text = #key.text();
                    #write
                }
            }
            Key::Pair(space, name) => {
                let (space, name) = (space.write(&text, krate), name.write(&text, krate));
                quote! {
                    let #text = #key.text();
                    #space
                    #key.split();
                    let #text = #key.text();
                    #name
                }
            }
            Key::Other(expression) => quote_spanned! {expression.span()=>
                *#key = #krate::function::FunctionKey::of(&#expression);
            },
        };
        quote! {
            #header -> #krate::Result<()> #bounds {
                #[allow(unused_imports, reason = "where it is not needed")]
                use #krate::function::Show as _;
                #seen
                #written
                ::core::result::Result::Ok(())
            }
        }
    }

    /// Writes a key of everything that makes up a call.
    fn derived(&self, key: &Ident) -> TokenStream {
        let Self { krate, function, .. } = self;
        let path = match self.home {
            Home::Free => format!("::{}", plain(function.name())),
            Home::Impl(home) => format!("::{}::{}", home.name, plain(function.name())),
        };
        let mut steps = TokenStream::new();
        if let Some(namespace) = &self.attributes.namespace {
            steps.extend(quote_spanned! {namespace.span()=>
                #key.namespace(::core::convert::AsRef::<str>::as_ref(&#namespace));
            });
        }
        let mut parameters = function.parameters().peekable();
        // The name of the type tells apart what only differs by the function around it.
        if matches!(self.home, Home::Impl(_)) || parameters.peek().is_some() {
            steps.extend(quote!(#key.type_parameter::<Self>();));
        }
        // Parameters of a free function are those of its type.
        let parameters = parameters.filter(|_| matches!(self.home, Home::Impl(_)));
        for param in parameters {
            steps.extend(match param {
                GenericParam::Type(param) => {
                    let name = &param.ident;
                    quote!(#key.type_parameter::<#name>();)
                }
                GenericParam::Const(param) => {
                    let name = &param.ident;
                    quote!(#key.const_parameter(#name);)
                }
                GenericParam::Lifetime(_) => continue,
            });
        }
        if function.has_receiver() && !self.attributes.skips_self() {
            let span =
                function.sig.receiver().map_or_else(|| function.name().span(), Spanned::span);
            steps.extend(quote_spanned!(span=> #krate::function::receiver(&mut #key, self)?;));
        }
        let mut own = function.arguments.iter().filter(|a| !self.attributes.skips(&a.name));
        for Argument { name, ty } in own.by_ref() {
            let text = plain(name);
            steps.extend(
                quote_spanned!(ty.span()=> #krate::function::argument(&mut #key, #text, &#name)?;),
            );
        }
        let name = match self.home {
            Home::Free if function.parameter_names().is_empty() => {
                quote!(::core::any::type_name::<Self>())
            }
            _ => quote!(::core::concat!(::core::module_path!(), #path)),
        };
        quote! {
            let mut #key = #krate::function::CallKey::new(#name);
            #steps
        }
    }

    fn lifetime_part(&self) -> TokenStream {
        let (declared, seen) = self.taken();
        let (header, bounds) = (self.header("lifetime", &quote!(), &declared), self.bounds());
        let expire_after = &self.expire_after;
        quote! {
            #header -> ::core::option::Option<::core::time::Duration> #bounds {
                #seen
                #expire_after
            }
        }
    }

    /// How a created value is kept.
    fn kept_part(&self) -> TokenStream {
        let (krate, value) = (&self.krate, self.value());
        let created = own("created");
        let argument = quote!(#created: #krate::Created<#value>);
        let (header, bounds) = (self.header("kept", &quote!(), &argument), self.bounds());
        let should_cache = self.attributes.should_cache.as_ref().map(|accepts| {
            quote_spanned! {accepts.span()=>
                let #created = #krate::function::keep_if(#created, #accepts);
            }
        });
        let ttl = self.attributes.ttl.as_ref().map(|ttl| {
            quote_spanned!(ttl.span()=> let #created = #krate::function::keep_for(#created, #ttl);)
        });
        quote! {
            #header -> #krate::Created<#value> #bounds {
                #should_cache
                #ttl
                #created
            }
        }
    }

    /// Does something with the region.
    fn with_part(&self) -> TokenStream {
        let Self { krate, function, region, .. } = self;
        let (declared, seen) = self.taken();
        let (operation, found, error) = (own("operation"), own("region"), own("error"));
        let kind = if function.is_async() { "Operation" } else { "BlockingOperation" };
        let kind = format_ident!("{kind}");
        let (asyncness, awaits) = waits(function);
        let (value, own_ttl) = (self.value(), self.keeps_lifetimes(&found));
        let more = quote!(LarderOperation: #krate::function::#kind<#value>,);
        let arguments = quote!(#declared #operation: LarderOperation,);
        let (header, bounds) = (self.header("with", &more, &arguments), self.bounds());
        let source = errors::shown_at(krate, region.span());
        let source = quote_spanned!(region.span()=> #source::RegionSource::region(&#region));
        quote! {
            #asyncness #header -> #krate::Result<LarderOperation::Output> #bounds {
                #seen
                match #source {
                    ::core::result::Result::Ok(#found) => {
                        #own_ttl
                        #operation.run(&*#found) #awaits
                    }
                    ::core::result::Result::Err(#error) => ::core::result::Result::Err(#error),
                }
            }
        }
    }

    fn refresh_part(&self) -> TokenStream {
        let (asyncness, _) = waits(self.function);
        let arguments = self.by_value();
        let (header, bounds) = (self.header("refresh", &quote!(), &arguments), self.bounds());
        let (answer, returned) = (self.answer(true), self.returned());
        quote!(#asyncness #header -> #returned #bounds { #answer })
    }

    fn by_value(&self) -> TokenStream {
        let argument = |Argument { name, ty }: &Argument| quote!(#name: #ty,);
        self.function.arguments.iter().map(argument).collect()
    }

    /// The type of the handle, with its methods.
    pub(crate) fn handle(&self) -> TokenStream {
        let Self { function, home, .. } = self;
        let (vis, quiet, name) = (&function.vis, quiet(), home.handle_name(function));
        let handle = home.handle(function);
        let methods = self.methods();
        let declaration = declare(&name, &handle, vis, &self.about());
        let crate::home::Handle { impl_generics, impl_named, impl_where, .. } = &handle;
        let (inside, body) = match home {
            Home::Free => {
                let (cache, parts) = (self.accessor(), self.parts());
                (quote!(#cache #parts), beside(function, home))
            }
            Home::Impl(_) => (quote!(), quote!()),
        };
        quote! {
            #declaration

            #quiet
            impl #impl_generics #name #impl_named #impl_where {
                #inside
                #methods
            }

            #body
        }
    }

    fn about(&self) -> String {
        let name = function_link(self.function, self.home);
        format!("The cache of {name}: looks into it, writes to it, forgets.")
    }

    /// What leads to the handle.
    pub(crate) fn accessor(&self) -> TokenStream {
        accessor(self.function, self.home)
    }

    fn methods(&self) -> TokenStream {
        let Self { krate, function, home, .. } = self;
        let vis = &function.vis;
        let outside = |tokens: TokenStream| home.outside(tokens);
        let lifetimes: Vec<_> = function.lifetimes().collect();
        let generics = quote!(<#(#lifetimes,)*>);
        let bounds = crate::home::bounds(function);
        let bounds = outside(bounds);
        let (asyncness, awaits) = waits(function);
        let owner = Home::owner(function, From::Handle);
        let (declared, _) = self.taken();
        let declared = outside(declared);
        let (keys, names) = (self.key_names(), self.names());
        let value = outside(self.value());
        let returned = outside(self.returned().to_token_stream());
        let all = outside(self.by_value());
        let [key, lifetime, with, refresh, body] =
            ["key", "lifetime", "with", "refresh", "body"].map(|part| self.part(part));
        let new = own("value");
        let operate = |operation: TokenStream| {
            quote! {
                let key = #krate::function::written(|key| #key(#owner #(#keys,)* key))?;
                #with(#owner #(#keys,)* #operation) #awaits
            }
        };
        let get = operate(quote!(#krate::function::Get::new(key, #lifetime(#owner #(#keys),*))));
        let set = operate(quote!(#krate::function::Set::new(key, #new)));
        let invalidate = operate(quote!(#krate::function::Invalidate::new(key)));
        quote! {
            /// The value, if it is there and fresh. Never calls the function.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn get #generics(self, #declared)
                -> #krate::Result<::core::option::Option<#value>> #bounds { #get }

            /// Stores a value.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn set #generics(self, #new: #value, #declared)
                -> #krate::Result<()> #bounds { #set }

            /// Forgets the value.
            ///
            /// # Errors
            ///
            /// When the store fails, or there is no region yet.
            #vis #asyncness fn invalidate #generics(self, #declared)
                -> #krate::Result<()> #bounds { #invalidate }

            /// Calls the function, whatever is there, and stores what it returns. Of callers that do
            /// this at the same time, one calls it.
            #vis #asyncness fn refresh #generics(self, #all) -> #returned #bounds {
                #refresh(#owner #(#names),*) #awaits
            }

            /// Calls the function, and nothing else.
            #vis #asyncness fn original #generics(self, #all) -> #returned #bounds {
                #body(#owner #(#names),*) #awaits
            }

            /// The key.
            ///
            /// # Errors
            ///
            /// When an argument cannot be written.
            #vis fn key #generics(self, #declared) -> #krate::Result<#krate::KeyBuf> #bounds {
                #krate::function::written(|key| #key(#owner #(#keys,)* key)).map(|key| key.to_buf())
            }
        }
    }
}

/// The function as it was written.
pub(crate) fn signed(function: &Function, home: &Home) -> TokenStream {
    let Function { sig, block, .. } = function;
    let (_, moves) = function.attributes();
    let name = home.part_name("body", function);
    let (generics, bounds) = (home.generics(function, &quote!()), home.bounds(function));
    let Signature { asyncness, safety, inputs, output, .. } = sig;
    quote! {
        #(#moves)*
        #asyncness #safety fn #name #generics(#inputs) #output #bounds #block
    }
}

/// The body of a free function, in an `impl` of its own: it is judged by the lints as any other.
pub(crate) fn beside(function: &Function, home: &Home) -> TokenStream {
    let (name, body) = (home.handle_name(function), signed(function, home));
    let crate::home::Handle { impl_generics, impl_named, .. } = home.handle(function);
    quote!(impl #impl_generics #name #impl_named { #body })
}

/// The type of a handle.
pub(crate) fn declare(
    name: &Ident,
    handle: &crate::home::Handle,
    vis: &syn::Visibility,
    about: &str,
) -> TokenStream {
    let crate::home::Handle { declared, named, fields, .. } = handle;
    let (quiet, text) = (quiet(), name.to_string());
    quote! {
        #[doc = #about]
        #quiet
        #vis struct #name #declared { #fields }

        #[automatically_derived]
        impl #declared ::core::clone::Clone for #name #named {
            fn clone(&self) -> Self {
                *self
            }
        }

        #[automatically_derived]
        impl #declared ::core::marker::Copy for #name #named {}

        #[automatically_derived]
        impl #declared ::core::fmt::Debug for #name #named {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(#text)
            }
        }
    }
}

/// What leads to the handle of a function.
pub(crate) fn accessor(function: &Function, home: &Home) -> TokenStream {
    let handle = home.handle(function);
    let crate::home::Handle { elided, value, .. } = handle;
    let (vis, name, quiet) = (&function.vis, home.handle_name(function), quiet());
    let about = format!("The cache of {}.", function_link(function, home));
    match home {
        Home::Free => quote! {
            #[doc = #about]
            #[must_use]
            #vis const fn cache() -> Self {
                Self { #value }
            }
        },
        Home::Impl(_) => {
            let accessor = format_ident!("{}_cache", plain(function.name()));
            let parameters: Vec<_> = function.parameters().collect();
            let generics = quote!(<#(#parameters,)*>);
            let receiver = Home::receiver(function);
            let clause = where_of_types(function);
            quote! {
                #[doc = #about]
                #[must_use]
                #quiet
                #vis fn #accessor #generics(#receiver) -> #name #elided #clause {
                    #name { #value }
                }
            }
        }
    }
}

/// The bounds that speak of no lifetime of the function.
fn where_of_types(function: &Function) -> TokenStream {
    let clause = function.sig.generics.where_clause.as_ref();
    let predicates = clause.into_iter().flat_map(|clause| &clause.predicates);
    let free = predicates.filter(|predicate| {
        let text = predicate.to_token_stream().to_string();
        !function.lifetimes().any(|lifetime| match lifetime {
            GenericParam::Lifetime(param) => text.contains(&param.lifetime.to_string()),
            _ => false,
        })
    });
    let free: Vec<_> = free.collect();
    if free.is_empty() { quote!() } else { quote!(where #(#free,)*) }
}

fn function_link(function: &Function, home: &Home) -> String {
    let name = plain(function.name());
    match home {
        Home::Free => format!("[`{name}`](fn@{name})"),
        Home::Impl(home) => format!("`{}::{name}`", home.name),
    }
}

/// How a function tells that the cache failed, if it can.
pub(crate) fn carrier(krate: &TokenStream, marker: &TokenStream) -> TokenStream {
    quote! {{
        #[allow(unused_imports, reason = "where it is not needed")]
        use #krate::function::CarriesNot as _;
        #krate::function::Carries::<<#marker as #krate::function::Returned>::Error>::NEW.carrier()
    }}
}

/// How a function waits, if it does.
pub(crate) fn waits(function: &Function) -> (Option<TokenStream>, Option<TokenStream>) {
    if function.is_async() { (Some(quote!(async)), Some(quote!(.await))) } else { (None, None) }
}

/// Generated code is not judged by the lints of those who write by hand.
pub(crate) fn quiet() -> TokenStream {
    quote! {
        #[allow(
            non_camel_case_types, dead_code, unused_variables, unreachable_pub, private_interfaces,
            clippy::all, clippy::pedantic, clippy::allow_attributes,
            reason = "generated"
        )]
    }
}

/// A signature whose arguments are names and nothing else.
pub(crate) fn plain_names(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(pat) = &mut *typed.pat
        {
            pat.mutability = None;
        }
    }
    sig
}

/// Skipped arguments must be there.
pub(crate) fn check_skipped(skipped: &[Ident], function: &Function) -> Result<()> {
    for name in skipped {
        let known = name == "self" || function.arguments.iter().any(|a| a.name == *name);
        if !known {
            let names: Vec<_> = function.arguments.iter().map(|a| a.name.to_string()).collect();
            let message = format!(
                "`{}` has no argument `{name}`; there is {}",
                function.name(),
                errors::list(&names)
            );
            return Err(syn::Error::new(name.span(), message));
        }
    }
    Ok(())
}

/// The logical lifetime as an expression for an `Option<Duration>`.
fn lifetime(expire_after: Option<&Expr>, krate: &TokenStream) -> Result<TokenStream> {
    match expire_after {
        None => Ok(quote!(::core::option::Option::None)),
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => {
            let lifetime = humantime::parse_duration(&text.value()).map_err(|error| {
                errors::at(text, &format!("`{}` is no duration: {error}; write `\"90s\"`, `\"5m\"`, `\"1h 30m\"` or `\"7d\"`", text.value()))
            })?;
            let (secs, nanos) = (lifetime.as_secs(), lifetime.subsec_nanos());
            Ok(quote!(::core::option::Option::Some(::core::time::Duration::new(#secs, #nanos))))
        }
        Some(Expr::Lit(lit)) => Err(errors::at(
            lit,
            "a lifetime has a unit: write `\"90s\"`, `\"5m\"`, or an expression of type `Duration`",
        )),
        Some(Expr::Closure(closure)) if closure.inputs.is_empty() => {
            let body = &closure.body;
            Ok(quote_spanned!(body.span()=> #krate::function::duration(#body)))
        }
        Some(Expr::Closure(closure)) => Err(errors::at(
            closure,
            "a closure for `expire_after` has no parameters; arguments can be used by their names. A \
             lifetime that depends on the value is `ttl = |value| ..`",
        )),
        Some(expression) => {
            Ok(quote_spanned!(expression.span()=> #krate::function::duration(#expression)))
        }
    }
}
